/** What the HTTP face turned away, and why. */
export class HttpCounters {
  /** Requests beyond the caller’s rate. */
  rateLimited = 0;
  /** Requests that showed nothing, or nothing good, of who sends them. */
  unauthenticated = 0;
  /** Requests whose caller may not. */
  forbidden = 0;
  /** Wrong names or passwords, and tries too soon after those. */
  failedSignIns = 0;

  deny(code: string): void {
    if (code === 'access.forbidden') this.forbidden += 1;
    else this.unauthenticated += 1;
  }
}
