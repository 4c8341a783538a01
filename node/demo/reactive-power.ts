import type { Plant } from './plant.js';

/** Reactive by active power of the building: a power factor of about 0.95. */
const BUILDING_TAN_PHI = 0.33;

/** The building's active power without the EV charger, kW. */
export function buildingPower({ model }: Plant): number {
  return Math.max(0, model.loadPower - model.evPower);
}

/** kvar that the building draws. */
export function buildingReactivePower(plant: Plant): number {
  return buildingPower(plant) * BUILDING_TAN_PHI;
}

/** kvar that the PV inverter feeds in. */
export function pvReactivePower(plant: Plant): number {
  return plant.model.pvPower > 0 ? plant.pvReactivePower : 0;
}

/** kvar drawn from the grid. Battery and EV charger run at a power factor of 1. */
export function gridReactivePower(plant: Plant): number {
  return plant.model.breakerClosed ? buildingReactivePower(plant) - pvReactivePower(plant) : 0;
}
