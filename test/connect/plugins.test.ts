import { describe, expect, it } from 'vitest';
import { configDef, type PluginDefinition, Plugins, versionRequirement } from '../../shared/connect/index.ts';

const plugin = (kind: PluginDefinition['kind'], className: string): PluginDefinition =>
  ({ kind, className, version: '1.0.0', overview: '', config: configDef({}), create: () => ({}) }) as unknown as PluginDefinition;

const plugins = new Plugins([
  plugin('source', 'one.FileSourceConnector'),
  plugin('source', 'two.FileSourceConnector'),
  plugin('sink', 'one.TableSinkConnector'),
  plugin('converter', 'one.JsonConverter'),
  plugin('header_converter', 'one.JsonConverter'),
  plugin('transformation', 'one.Cast$Key'),
  plugin('transformation', 'one.Cast$Value'),
  plugin('transformation', 'one.Wrap$Value'),
]);

describe('Plugins', () => {
  it.each([['one.TableSinkConnector'], ['TableSinkConnector'], ['TableSink']])('are found as %s', (name) => {
    expect(plugins.connector(name).className).toBe('one.TableSinkConnector');
  });

  it('are not guessed where a short name fits two', () => {
    expect(() => plugins.connector('FileSource')).toThrow('More than one connector matches alias FileSource. Please use full package and class name instead.');
    expect(plugins.find('transformation', 'Value')).toBeUndefined();
    expect(plugins.find('transformation', 'Cast$Value')).toBeUndefined();
  });

  it('are told by kind: one class may be two plugins', () => {
    expect(plugins.classOf('Json')).toMatchObject({ className: 'one.JsonConverter', kinds: new Set(['converter', 'header_converter']) });
    expect(plugins.converter('JsonConverter').kind).toBe('converter');
    expect(plugins.headerConverter('Json').kind).toBe('header_converter');
  });

  it('know the common part of two classes', () => {
    expect(plugins.classOf('one.Cast')?.subclasses).toEqual(['one.Cast$Key', 'one.Cast$Value']);
  });

  it('that are missing are an error which names those that are there', () => {
    expect(() => plugins.converter('nope')).toThrow('available classes are: one.JsonConverter');
    expect(() => plugins.connector('one.JsonConverter')).toThrow(
      /^Failed to find any class that implements Connector and which name matches one\.JsonConverter, available connectors are: PluginDesc\{klass=class one\.FileSourceConnector, /,
    );
  });
});

describe('Version ranges', () => {
  it.each([
    ['1.2.3', '1.2.3', true],
    ['1.2.3', '1.2.4', false],
    ['[1.0,2.0)', '1.10', true],
    ['[1.0,2.0)', '2.0', false],
    ['(1.0,)', '1.0.0', false],
    ['[1.0],[3.0,)', '3.1-rc1', true],
    ['[2.0,)', '2.0-rc1', false],
  ])('%s of %s: %s', (range, version, expected) => {
    expect(versionRequirement(range)?.contains(version)).toBe(expected);
  });

  it('are nothing for the latest version', () => {
    expect([versionRequirement(null), versionRequirement('latest')]).toEqual([null, null]);
  });

  it.each(['[1.0', '(1.0)', '[2.0,1.0]'])('refuse %s', (range) => {
    expect(() => versionRequirement(range)).toThrow();
  });
});
