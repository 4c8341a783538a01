import assert from 'node:assert/strict';
import { shownValue, withoutSecrets } from '../../../site/config/versions/secrets.js';

describe('secrets of a configuration', () => {
  const masked = (text: string) => withoutSecrets('site.yaml', text);

  it('that stand in a file are masked, and nothing else of it changes', () => {
    const file = (first: string, second: string, login: string, third: string) => `site: farm # the farm
forwarding:
  - id: cloud
    url: mqtts://${login}broker.example.org
    password: ${first}
    headers: { Authorization: ${second}, X-Site: farm }
    tls: { key: client.key, cert: client.pem }
  - { id: hub, url: "nats://hub:4222", password_file: secret.txt, credentials: hub.creds, token: '${third}' }
`;
    const { text, secrets } = masked(file('hunter2', 'Bearer abc', 'site:pw@', 'its'));
    assert.equal(text, file('"***"', '"***"', '***@', '"***"').replace(`'"***"'`, '"***"'));
    assert.equal(secrets, 4);
  });

  it('that are references to the environment stay as they are', () => {
    const text = 'password: ${A}\nheaders: { Authorization: "Bearer ${TOKEN}" }\nurl: nats://site:${HUB}@hub:4222\n';
    assert.deepEqual(masked(text), { text, secrets: 0 });
  });

  it('are found behind anchors, in blocks, in lists and in comments', () => {
    assert.equal(masked('a: &p hunter2\nb: { password: *p }\n').text, 'a: &p "***"\nb: { password: *p }\n');
    assert.equal(masked('password: |\n  hunter2\nsite: a\n').text.includes('hunter2'), false);
    assert.equal(masked('tokens: [a1, b2]\n').text, 'tokens: ["***", "***"]\n');
    assert.equal(
      masked('# password: hunter2\nsite: a # token = abc\n').text,
      '# password: ***\nsite: a # token = abc\n',
    );
    assert.equal(masked('# password: ${PW}\n').secrets, 0);
    assert.equal(masked('apiKey: x\ndbPassword: y\n').secrets, 2);
  });

  it('are looked for in what is no YAML too, and not in tables', () => {
    assert.equal(masked('a: [\nurl: redis://u:p@host\n').text, 'a: [\nurl: redis://***@host\n');
    const table = { text: 'point_id,token\n1,a\n', secrets: 0 };
    assert.deepEqual(withoutSecrets('meter/telemetry.csv', table.text), table);
  });

  it('are not shown in what changed', () => {
    assert.equal(shownValue('password', 'hunter2'), '***');
    assert.equal(shownValue('password', '${PW}'), '${PW}');
    assert.equal(shownValue('url', 'http://u:p@h/'), 'http://***@h/');
    assert.equal(shownValue('Authorization', 'Bearer x'), '***');
    assert.deepEqual([shownValue('deadband', 5), shownValue('name', 'Meter')], [5, 'Meter']);
  });
});
