import assert from 'node:assert/strict';
import sinon from 'sinon';
import { LinkReporter, type LinkReport } from '../../../actors/channel/link-report.js';
import { StatewattError } from '../../../errors/error.js';

const up: LinkReport = { type: 'link.up' };
const down = (message: string): LinkReport => ({
  type: 'link.down',
  error: { code: 'protocol.link_lost', category: 'unavailable', message },
});
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('LinkReporter', () => {
  /** Each report waits here for its journaling to end. */
  let sent: { report: LinkReport; done: () => void; refuse: (error: unknown) => void }[];
  let reporter: LinkReporter;
  beforeEach(() => {
    sent = [];
    reporter = new LinkReporter(
      (report) =>
        new Promise((resolve, reject) => {
          sent.push({ report, done: resolve, refuse: reject });
        }),
    );
  });
  const types = () => sent.map(({ report }) => report.type);

  it('sends one at a time and of those that wait only the newest', async () => {
    reporter.report(up);
    reporter.report(down('first'));
    reporter.report(up);
    reporter.report(down('last'));
    assert.deepEqual(types(), ['link.up']);
    sent[0]?.done();
    await turn();
    assert.deepEqual(types(), ['link.up', 'link.down']);
    assert.deepEqual(sent[1]?.report, down('last'));
    sent[1]?.done();
    await turn();
    assert.equal(sent.length, 2);
  });

  it('does not repeat what the chart knows', async () => {
    reporter.report(down('one'));
    sent[0]?.done();
    await turn();
    reporter.report(down('two'));
    await turn();
    assert.equal(sent.length, 1);
    reporter.report(up);
    assert.deepEqual(types(), ['link.down', 'link.up']);
  });

  it('lets a flap that ends as it began vanish', async () => {
    reporter.report(up);
    reporter.report(down('flap'));
    reporter.report(up);
    sent[0]?.done();
    await turn();
    assert.deepEqual(types(), ['link.up']);
  });

  it('tells again after the chart was moved by a command', async () => {
    reporter.report(up);
    sent[0]?.done();
    await turn();
    reporter.forget();
    reporter.report(up);
    assert.deepEqual(types(), ['link.up', 'link.up']);
  });

  it('forgets what waits, too', async () => {
    reporter.report(up);
    reporter.report(down('of the old link'));
    reporter.forget();
    sent[0]?.done();
    await turn();
    assert.deepEqual(types(), ['link.up']);
  });

  it('ends quietly when its activation is over', async () => {
    reporter.report(up);
    reporter.report(down('too late'));
    sent[0]?.refuse(new StatewattError('actors.stopped', 'unavailable', 'stopping'));
    await turn();
    assert.equal(sent.length, 1);
  });

  describe('when the journal refuses', () => {
    let clock: sinon.SinonFakeTimers;
    beforeEach(() => {
      clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    });
    afterEach(() => clock.restore());
    const refusal = new StatewattError('journal.refused', 'unavailable', 'the journal is full');

    it('tries again, for a chart that never hears of its link is wrong for ever', async () => {
      reporter.report(up);
      sent[0]?.refuse(refusal);
      await turn();
      assert.equal(sent.length, 1);
      await clock.tickAsync(1_000);
      assert.deepEqual(types(), ['link.up', 'link.up']);
      sent[1]?.done();
      await turn();
      assert.equal(sent.length, 2);
    });

    it('tries again with what is true then', async () => {
      reporter.report(up);
      sent[0]?.refuse(refusal);
      await turn();
      reporter.report(down('meanwhile'));
      await clock.tickAsync(1_000);
      assert.deepEqual(types(), ['link.up', 'link.down']);
    });
  });
});
