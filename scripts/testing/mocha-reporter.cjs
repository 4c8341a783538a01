// Mocha's spec reporter, which also writes the result to the file named by MOCHA_RESULT_FILE: the printed text is for
// people, and a test may print anything in between.
const { writeFileSync } = require('node:fs');
const Mocha = require('mocha');

/** Time after the last test in which the process has to end by itself. */
const END_WITHIN_MS = 30_000;

class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const failed = [];
    // Also at once, where the server's and the test's own lines are near, and in case the run does not come to its end.
    runner.on(Mocha.Runner.constants.EVENT_TEST_FAIL, (test, error) => {
      const why = String(error.stack ?? error.message ?? error);
      failed.push({ title: test.fullTitle(), why });
      console.error(`${test.fullTitle()}: ${why}`);
    });
    runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
      const { passes, pending } = this.stats;
      const file = process.env.MOCHA_RESULT_FILE;
      if (file) writeFileSync(file, JSON.stringify({ passes, failed, pending }));
      // Not a reason to stay alive itself: it fires only when a test left something open.
      setTimeout(() => {
        console.error(`A test left open: ${process.getActiveResourcesInfo().join(', ')}`);
        process.exit(1);
      }, END_WITHIN_MS).unref();
    });
  }
}

module.exports = CountingReporter;
