import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { checkTemplate } from '../models/check.js';
import { TemplateFileSchema, type TemplateFile } from '../models/schema.js';
import { isSunSpec, SunSpecFileSchema, templateOfSunSpec, type SunSpecFile } from '../models/sunspec.js';
import type { Template } from '../models/template.js';
import { diskFiles, Reader } from './files.js';
import { Problems, show } from './problems.js';
import { checkFile } from './schema-check.js';
import { Block, resolveIn, type SiteSource } from './source.js';
import { YamlSource } from './yaml-source.js';
import { SELDOM_USED, validator } from '../validator.js';

/** The templates that come along; from dist/site/config/. */
export const TEMPLATE_FOLDER = fileURLToPath(new URL('../../../templates', import.meta.url));

let shipped: Promise<readonly Template[]> | undefined;

/** The templates that come along, read once, ascending by id. @throws ConfigError when they are damaged */
export function shippedTemplates(): Promise<readonly Template[]> {
  shipped ??= readShipped();
  return shipped;
}

async function readShipped(): Promise<readonly Template[]> {
  const problems = new Problems();
  const reader = new Reader(diskFiles, problems);
  const names = (await readdir(TEMPLATE_FOLDER)).filter((name) => name.endsWith('.yaml')).sort();
  const templates = await Promise.all(names.map((name) => readTemplate(join(TEMPLATE_FOLDER, name), reader, problems)));
  problems.throwIfAny();
  return templates.filter((template) => template !== undefined);
}

/**
 * The templates that models of the site may be made from, ascending by id: those that come along, and those of the
 * files, which are YAML, JSON or SunSpec models in JSON. One of a file takes the place of one that comes along.
 */
export async function readTemplates(source: SiteSource, files: readonly string[]): Promise<Template[]> {
  const { problems, reader, folder } = source;
  const templates = new Map((await shippedTemplates()).map((template) => [template.id, template]));
  const from = new Map<string, string>();
  const block = new Block(source, ['templates']);
  for (const [index, file] of files.entries()) {
    const path = resolveIn(folder, file);
    if ((await reader.kind(path)) !== 'file') {
      block.at(index).report('', show(file), 'the path of a file', `there is no file ${path}`);
      continue;
    }
    const template = await readTemplate(path, reader, problems);
    if (template === undefined) continue;
    const other = from.get(template.id);
    if (other !== undefined) {
      const why = `${file} and ${other} both have a template ${template.id}, allowed each id once`;
      block.at(index).report('', template.id, 'each id once', why);
    }
    from.set(template.id, file);
    templates.set(template.id, template);
  }
  return [...templates.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

const ajv = new Ajv2020({ ...SELDOM_USED, allErrors: true, verbose: true, strict: false, strictNumbers: true });
const isTemplate = validator(() => ajv.compile<TemplateFile>(TemplateFileSchema));
const isSunSpecFile = validator(() => ajv.compile<SunSpecFile>(SunSpecFileSchema));

async function readTemplate(path: string, reader: Reader, problems: Problems): Promise<Template | undefined> {
  const content = await reader.text(path);
  const yaml = content.state === 'text' ? YamlSource.parse(path, content.text, problems) : undefined;
  if (yaml === undefined) return undefined;
  const origin = new Block({ yaml, problems }, []);
  if (isSunSpec(yaml.value)) {
    const file = checkFile(isSunSpecFile, yaml, problems);
    return file && templateOfSunSpec(file, origin);
  }
  const file = checkFile(isTemplate, yaml, problems);
  return file && checkTemplate(file, origin);
}
