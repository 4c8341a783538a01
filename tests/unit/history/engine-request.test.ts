import assert from 'node:assert/strict';
import { insertFromFile, parseRequest, quote, takesData } from '../../../protocols/clickhouse/engine/request.js';

describe('a request to the history engine', () => {
  it('tells settings, parameters and the rest apart', () => {
    const url = new URL(
      'http://x/?query=SELECT%201&database=d&query_id=q&param_a=%5Ct&max_threads=2&session_id=s&default_format=CSV',
    );
    const request = parseRequest(url, {});
    assert.equal(request.query, 'SELECT 1');
    assert.equal(request.database, 'd');
    assert.equal(request.queryId, 'q');
    assert.equal(request.format, 'CSV');
    assert.deepEqual([...request.parameters], [['a', '\\t']]);
    assert.deepEqual([...request.settings], [['max_threads', '2']]);
  });

  it('refuses a name that could carry a statement', () => {
    for (const name of ['a=1,b', 'param_x;', '`', '']) {
      assert.throws(() => parseRequest(new URL(`http://x/?${encodeURIComponent(name)}=1`), {}), /no name of a setting/);
    }
  });

  it('quotes what would end a literal', () => {
    assert.equal(quote("a'b\\"), "'a\\'b\\\\'");
  });

  it('reads an INSERT’s data from a file, whatever the format', () => {
    assert.equal(takesData('INSERT INTO t (a, b) FORMAT RowBinary'), true);
    assert.equal(takesData('insert into t format JSONEachRow\n'), true);
    assert.equal(takesData('INSERT INTO t SELECT 1'), false);
    assert.equal(takesData('SELECT 1 FORMAT CSV'), false);
    assert.equal(
      insertFromFile('INSERT INTO t (a, b) SETTINGS async_insert = 0 FORMAT RowBinary', '/tmp/b'),
      "INSERT INTO t (a, b) FROM INFILE '/tmp/b' COMPRESSION 'none' SETTINGS async_insert = 0 FORMAT RowBinary",
    );
  });
});
