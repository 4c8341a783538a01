/** Part of each phase in a power, L1 to L3: nothing real is quite balanced. */
const SHARES = [0.34, 0.335, 0.325] as const;
/** V by which each phase differs from the mean. */
const VOLTAGE_OFFSETS = [0.4, -0.1, -0.3] as const;
export type Phase = 0 | 1 | 2;

/** What a meter measures at a three-phase, four-wire connection. */
export class ThreePhase {
  readonly #voltage: () => number;
  readonly #activePower: () => number;
  readonly #reactivePower: () => number;

  /** Line-to-neutral voltage in V, active power in kW, reactive power in kvar; the powers are those of all phases. */
  constructor(voltage: () => number, activePower: () => number, reactivePower: () => number) {
    this.#voltage = voltage;
    this.#activePower = activePower;
    this.#reactivePower = reactivePower;
  }

  /** V, line to neutral. */
  voltage(phase: Phase): number {
    return this.#voltage() + VOLTAGE_OFFSETS[phase];
  }
  /** V, line to line, from this phase to the next, by the law of cosines at 120°. */
  lineVoltage(phase: Phase): number {
    const a = this.voltage(phase);
    const b = this.voltage(((phase + 1) % 3) as Phase);
    return Math.sqrt(a * a + b * b + a * b);
  }
  /** kW; of all phases without one. */
  activePower(phase?: Phase): number {
    return this.#activePower() * (phase === undefined ? 1 : SHARES[phase]);
  }
  /** kvar. */
  reactivePower(phase?: Phase): number {
    return this.#reactivePower() * (phase === undefined ? 1 : SHARES[phase]);
  }
  /** kVA. */
  apparentPower(phase?: Phase): number {
    return Math.hypot(this.activePower(phase), this.reactivePower(phase));
  }
  /** A. */
  current(phase: Phase): number {
    return (this.apparentPower(phase) * 1000) / this.voltage(phase);
  }
  /** A: what three currents 120° apart do not cancel. */
  neutralCurrent(): number {
    const [a, b, c] = [this.current(0), this.current(1), this.current(2)];
    return Math.sqrt(Math.max(0, a * a + b * b + c * c - a * b - b * c - c * a));
  }
  /** Active by apparent power, with the sign of the active power; 1 without a load. */
  powerFactor(): number {
    const apparent = this.apparentPower();
    return apparent < 1e-6 ? 1 : this.activePower() / apparent;
  }
  /** %: greatest deviation of a phase from the mean, by the mean (IEEE 1159, NEMA MG-1). */
  voltageUnbalance(): number {
    return (Math.max(...VOLTAGE_OFFSETS.map(Math.abs)) / this.#voltage()) * 100;
  }
}
