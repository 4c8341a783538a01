import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  developmentSources,
  formatDeb822,
  parseDeb822,
  parseList,
  readSources,
} from '../../../scripts/setup/apt-sources.mjs';
import { tempFolder } from '../../support/temp.js';

const DEBIAN = 'ID=debian\nVERSION_CODENAME=bookworm\n';
const UBUNTU = 'NAME="Ubuntu"\nID="ubuntu"\nVERSION_CODENAME=noble\n';

describe('setup: apt sources', () => {
  it('reads one-line sources', () => {
    const text = [
      '# deb http://comment.example/debian bookworm main',
      'deb http://mirror.example/debian bookworm main contrib # note',
      'deb [arch=amd64 signed-by=/k.gpg] https://mirror.example/debian bookworm-updates main',
      'deb-src http://mirror.example/debian bookworm main',
      '',
    ].join('\n');
    assert.deepEqual(parseList(text), [
      { uri: 'http://mirror.example/debian', suites: ['bookworm'], components: ['main', 'contrib'] },
      {
        uri: 'https://mirror.example/debian',
        suites: ['bookworm-updates'],
        components: ['main'],
        signedBy: '/k.gpg',
      },
    ]);
  });

  it('reads deb822 stanzas: several URIs, key blocks, comments; not what is disabled or sources only', () => {
    const text = [
      '# made by an installer',
      'Types: deb deb-src',
      'URIs: http://a.example/debian http://b.example/debian',
      'Suites: bookworm',
      ' bookworm-updates',
      'Components: main',
      'Signed-By:',
      ' -----BEGIN PGP PUBLIC KEY BLOCK-----',
      ' .',
      ' abc',
      '',
      'Types: deb',
      'Enabled: no',
      'URIs: http://off.example',
      'Suites: bookworm',
      'Components: main',
      ' ',
      'Types: deb-src',
      'URIs: http://src.example',
      'Suites: bookworm',
      'Components: main',
    ].join('\n');
    const signedBy = '-----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc';
    const rest = { suites: ['bookworm', 'bookworm-updates'], components: ['main'], signedBy };
    assert.deepEqual(parseDeb822(text), [
      { uri: 'http://a.example/debian', ...rest },
      { uri: 'http://b.example/debian', ...rest },
    ]);
  });

  it('reads every file of a configuration folder, in both forms, and none where there is no folder', async () => {
    const folder = await tempFolder();
    try {
      const parts = join(folder.path, 'sources.list.d');
      await mkdir(parts);
      await writeFile(join(folder.path, 'sources.list'), 'deb http://one.example s main\n');
      await writeFile(join(parts, 'b.sources'), 'Types: deb\nURIs: http://two.example\nSuites: s\nComponents: main\n');
      await writeFile(join(parts, 'a.list'), 'deb http://three.example s main\n');
      await writeFile(join(parts, 'c.list.save'), 'deb http://old.example s main\n');
      const uris = readSources(folder.path).map(({ uri }) => uri);
      assert.deepEqual(uris, ['http://one.example', 'http://three.example', 'http://two.example']);
      assert.deepEqual(readSources(join(folder.path, 'nothing')), []);
    } finally {
      await folder.remove();
    }
  });

  it('points the archives of the system itself at its development suite, each once', () => {
    const sources = [
      { uri: 'http://m.example/debian', suites: ['bookworm'], components: ['main'], signedBy: '/k.gpg' },
      { uri: 'http://m.example/debian', suites: ['stable'], components: ['main'], signedBy: '/k.gpg' },
      { uri: 'http://m.example/security', suites: ['bookworm-security'], components: ['main'], signedBy: '/k.gpg' },
      { uri: 'http://vendor.example', suites: ['bookworm'], components: ['tools'], signedBy: '/v.gpg' },
    ];
    assert.deepEqual(developmentSources(sources, DEBIAN), [
      { uri: 'http://m.example/debian', suites: ['sid'], components: ['main'], signedBy: '/k.gpg' },
    ]);
    const ubuntu = [{ uri: 'http://u.example', suites: ['noble'], components: ['main'], signedBy: '/u.gpg' }];
    assert.deepEqual(developmentSources(ubuntu, UBUNTU), [
      { uri: 'http://u.example', suites: ['devel'], components: ['universe'], signedBy: '/u.gpg' },
    ]);
    assert.deepEqual(developmentSources(sources, 'ID=fedora\n'), []);
  });

  it('writes a stanza that reads back as it was', () => {
    for (const signedBy of ['/k.gpg', '-----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc']) {
      const source = { uri: 'http://m.example/debian', suites: ['sid'], components: ['main'], signedBy };
      assert.deepEqual(parseDeb822(formatDeb822(source)), [source]);
    }
    assert.ok(!formatDeb822({ uri: 'u', suites: ['sid'], components: ['main'] }).includes('Signed-By'));
  });
});
