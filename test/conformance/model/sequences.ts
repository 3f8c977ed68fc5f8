import { Random } from '../random/random.ts';
import type { Call } from '../requests.ts';
import { type Config, type Kind, mistaken, validConfig } from './configs.ts';
import { offsetsBody } from './offset-bodies.ts';

/** Calls, one right after the other; before and after them the systems come to rest. */
export interface Step {
  readonly calls: readonly Call[];
}

/** What the calls so far have made of a connector, if all went as they want. */
interface Made {
  kind: Kind;
  config: Config;
  /** Created as STOPPED, and never resumed. */
  asleep?: boolean;
  paused?: boolean;
  /** Updated while it was paused. */
  stale?: boolean;
}

/** Ends of names; all that can stand in a path. What cannot has calls of its own. */
const names = [
  ...['plain', 'plain', 'UPPER', 'with space', 'dotted.name', 'plus+sign', 'ümläut', '名前', '😀', 'a&b=c', 'semi;colon', 'colon:comma,', 'quo"te', "it's"],
  ...['at@home', '~tilde', '$dollar', '[brackets]', '<angle>', 'hash#', 'what?', 'star*', 'pipe|', 'caret^', 'tick`', 'dash-_'],
];

/**
 * What is changed alone. Not of a source: half of what a topic is created by fails the connector, and in the real one its tasks go on
 * without it. Not of a sink: what may let it fail, as it may have several tasks.
 */
const sourceKeys = /^(?!connector\.class|topic\.creation)/;
const sinkKeys = /^(?!connector\.class|topics|tasks|file|transforms|predicates|key\.converter|value\.converter|errors\.tolerance)/;

/** The path of a connector; placeholders in it stay readable. */
export const pathOf = (name: string): string => `/connectors/${name.split('${ID}').map(encodeURIComponent).join('${ID}')}`;

/** A sequence of so many calls, all decided by the seed. `${ID}` in it is a text that no other sequence has. */
export function randomSequence(seed: number, calls = 30): Step[] {
  const sequence = new Sequence(new Random(seed));
  while (sequence.calls < calls) sequence.add();
  return sequence.steps;
}

class Sequence {
  readonly steps: Step[] = [];
  readonly #random: Random;
  readonly #names: readonly string[];
  readonly #made = new Map<string, Made>();

  constructor(random: Random) {
    this.#random = random;
    this.#names = random.some(names, 3).map((each, at) => `${at}${each}-\${ID}`);
    this.#create();
  }

  get calls(): number {
    return this.steps.reduce((sum, { calls }) => sum + calls.length, 0);
  }

  add(): void {
    const makers: readonly (readonly [weight: number, make: () => void])[] = [
      [10, () => this.#create()],
      [3, () => this.#createBadly()],
      [8, () => this.#update()],
      [6, () => this.#patch()],
      [14, () => this.#changeState()],
      [9, () => this.#restart()],
      [9, () => this.#stopAndChangeOffsets()],
      [4, () => this.#offsetsNow()],
      [5, () => this.#delete()],
      [5, () => this.#burst()],
      [2, () => this.#call('PUT', this.#path('/topics/reset'))],
      [14, () => this.#read()],
      [4, () => this.#list()],
      [5, () => this.#validate()],
      [5, () => this.#noise()],
      [1, () => this.#unreachable()],
    ];
    let at = this.#random.fraction() * makers.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, make] of makers) {
      at -= weight;
      if (at >= 0) continue;
      make();
      return;
    }
  }

  #call(method: string, path: string, more: Omit<Call, 'method' | 'path'> = {}): void {
    this.steps.push({ calls: [{ method, path, ...more }] });
  }

  /** Mostly of a connector that is there. */
  #name(): string {
    const there = [...this.#made.keys()];
    return there.length > 0 && this.#random.chance(0.9) ? this.#random.pick(there) : this.#random.pick(this.#names);
  }

  #path(rest = '', name = this.#name()): string {
    return pathOf(name) + rest;
  }

  #kind(): Kind {
    return this.#random.pick(['source', 'sink']);
  }

  #create(): void {
    const random = this.#random;
    const free = this.#names.filter((each) => !this.#made.has(each));
    const name = free.length > 0 && random.chance(0.9) ? random.pick(free) : random.pick(this.#names);
    const kind = this.#kind();
    const config = validConfig(random, kind);
    if (!this.#made.has(name)) this.#made.set(name, { kind, config });
    if (random.chance(0.3)) {
      this.#call('PUT', this.#path('/config', name), { body: random.chance(0.5) ? { ...config, name } : config });
      return;
    }
    const state = random.pick([null, null, null, 'RUNNING', 'running', 'PAUSED', 'STOPPED', 'stopped']);
    const sent = random.pick([name, name, name, ` ${name}`, `${name}\t`]);
    const own = random.chance(0.2) && sent === name ? { ...config, name } : config;
    const made = this.#made.get(name);
    if (made?.config === config) Object.assign(made, { asleep: /^stopped$/i.test(state ?? ''), paused: state === 'PAUSED' });
    this.#call('POST', '/connectors', { body: { name: sent, config: own, ...(state !== null && { initial_state: state }) } });
  }

  #createBadly(): void {
    const random = this.#random;
    const name = random.pick(this.#names);
    const config = validConfig(random, this.#kind());
    const body = random.oneOf<unknown>(
      () => ({ name, config: mistaken(random, config) }),
      () => ({ name, config: mistaken(random, config) }),
      () => ({ name, config: mistaken(random, mistaken(random, config)) }),
      () => ({ name, config, initial_state: random.pick(['', 'SLEEPING', null, 1, []]) }),
      () => ({ name: random.pick<unknown>(['', ' ', null, 7, 'bell\u0007-${ID}', 'line\nfeed-${ID}', ['a']]), config }),
      () => ({ name, config: random.pick<unknown>([null, [], 'x', {}, 1]) }),
      () => ({ name }),
      () => ({ config }),
      () => ({ name, config, more: 1 }),
      () => random.pick<unknown>([[], 'x', 1, null, {}]),
    );
    this.#call('POST', '/connectors', { body });
  }

  #update(): void {
    const random = this.#random;
    const name = this.#name();
    const made = this.#made.get(name);
    const kind = made === undefined || random.chance(0.1) ? this.#kind() : made.kind;
    const config = random.chance(0.15) && made !== undefined ? made.config : validConfig(random, kind);
    const wrong = random.chance(0.25);
    if (!wrong) this.#made.set(name, { ...made, kind, config, stale: made?.paused === true });
    this.#call('PUT', this.#path('/config', name), { body: wrong ? mistaken(random, config) : config });
  }

  #patch(): void {
    const random = this.#random;
    const name = this.#name();
    const made = this.#made.get(name);
    const { kind } = made ?? { kind: this.#kind() };
    if (made?.paused === true) made.stale = true;
    const keys = kind === 'source' ? sourceKeys : sinkKeys;
    const some = Object.fromEntries(
      random.some(
        Object.entries(validConfig(random, kind)).filter(([key]) => keys.test(key)),
        2,
      ),
    );
    const body = random.oneOf<Config>(
      () => some,
      () => some,
      () => ({ foo: random.pick<unknown>(['x', 1, 1.5, true, null]) }),
      () => ({ 'tasks.max': random.pick<unknown>([1, kind === 'source' ? '2' : '1', null, 'x', 0]) }),
      () => ({ 'batch.size': null, 'errors.tolerance': null, 'no.such': null }),
      () => mistaken(random, {}),
      () => ({}),
    );
    this.#call('PATCH', this.#path('/config', name), { body });
  }

  #changeState(): void {
    const name = this.#name();
    const change = this.#random.pick(['/pause', '/pause', '/resume', '/resume', '/stop']);
    const made = this.#made.get(name);
    if (made !== undefined) made.paused = change === '/pause';
    if (change === '/resume') this.#resume(name);
    else this.#call('PUT', this.#path(change, name));
  }

  #resume(name: string): void {
    this.#runs(name);
    this.#call('PUT', this.#path('/resume', name));
  }

  /** From here on it is not at rest. */
  #runs(name: string): void {
    const made = this.#made.get(name);
    if (made !== undefined) Object.assign(made, { asleep: false, paused: false, stale: false });
  }

  /** The real one fails (500, a NullPointerException) at offsets of a source that never had task configs. */
  #wake(name: string): void {
    if (this.#made.get(name)?.asleep === true) this.#resume(name);
  }

  #restart(): void {
    const random = this.#random;
    const task = random.pick(['0', '0', '0', '1', '7', '-1', 'x']);
    const flags = [
      '',
      '',
      '?includeTasks=true',
      '?includeTasks=true&onlyFailed=true',
      '?onlyFailed=true',
      '?includeTasks=TRUE&onlyFailed=no',
      '?includeTasks=',
    ];
    const path = random.chance(0.4) ? `/tasks/${task}/restart` : `/restart${random.pick(flags)}`;
    const name = this.#name();
    // The real one holds the tasks of before against the new `tasks.max`, and fails them.
    if (this.#made.get(name)?.stale === true) this.#resume(name);
    this.#call('POST', this.#path(path, name));
  }

  #stopAndChangeOffsets(): void {
    const random = this.#random;
    const name = this.#name();
    const kind = random.chance(0.9) ? (this.#made.get(name)?.kind ?? 'source') : this.#kind();
    this.#wake(name);
    this.#call('PUT', this.#path('/stop', name));
    if (random.chance(0.3)) this.#call('DELETE', this.#path('/offsets', name));
    else this.#call('PATCH', this.#path('/offsets', name), { body: offsetsBody(random, kind) });
    this.#call('GET', this.#path('/offsets', name));
    if (random.chance(0.7)) this.#resume(name);
  }

  #offsetsNow(): void {
    const name = this.#name();
    const kind = this.#made.get(name)?.kind ?? this.#kind();
    this.#wake(name);
    if (this.#random.chance(0.3)) this.#call('DELETE', this.#path('/offsets', name));
    else this.#call('PATCH', this.#path('/offsets', name), { body: offsetsBody(this.#random, kind) });
  }

  #delete(): void {
    const name = this.#name();
    this.#made.delete(name);
    this.#call('DELETE', this.#path('', name));
  }

  /** Calls in haste, whose end does not depend on how far the ones before came. */
  #burst(): void {
    const random = this.#random;
    const name = this.#name();
    const made = this.#made.get(name);
    this.#runs(name);
    const put = (path: string): Call => ({ method: 'PUT', path: this.#path(path, name) });
    const [resume, pause, stop] = [put('/resume'), put('/pause'), put('/stop')];
    const restart: Call = { method: 'POST', path: this.#path('/restart', name) };
    const config = (foo: string): Call => ({ ...put('/config'), body: { ...made?.config, foo } });
    const bursts = [
      [resume, pause, resume],
      [resume, stop, resume],
      [resume, restart, restart],
      [resume, pause, restart, resume],
      [resume, stop, stop, resume],
      ...(made === undefined
        ? []
        : [
            [resume, config('a'), config('b')],
            [config('c'), stop, resume],
            [pause, config('d'), resume],
          ]),
    ];
    this.steps.push({ calls: random.pick(bursts) });
  }

  #read(): void {
    const tasks = this.#random.pick(['0', '0', '1', '9', 'x']);
    const path = this.#random.pick(['', '/', '/config', '/status', '/status', '/tasks', `/tasks/${tasks}/status`, '/offsets', '/offsets']);
    this.#call(this.#random.chance(0.05) ? 'HEAD' : 'GET', this.#path(path));
  }

  #list(): void {
    this.#call('GET', `/connectors${this.#random.pick(['', '/', '?expand=status', '?expand=info', '?expand=status&expand=info', '?expand=nope', '?x=y'])}`);
  }

  #validate(): void {
    const random = this.#random;
    const kind = this.#kind();
    const valid = validConfig(random, kind);
    const config = { name: `checked-\${ID}`, ...(random.chance(0.7) ? mistaken(random, valid) : valid) };
    const asked = random.pick([String(valid['connector.class']), String(valid['connector.class']), 'FileStreamSource', 'FileStreamSinkConnector', 'NoSuch']);
    this.#call('PUT', `/connector-plugins/${asked}/config/validate`, { body: config });
  }

  /** What no client should send. */
  #noise(): void {
    const random = this.#random;
    const path = this.#path('', random.pick(this.#names));
    const raw = ['', '{', '{"name":', 'null', '[]', 'x', '{"name":"a","config":{}}}', '{"a":1,}', '\ufeff{}', "{'a':'b'}"];
    random.oneOf(
      () => this.#call('POST', '/connectors', { rawBody: random.pick(raw) }),
      () => this.#call(random.pick(['PUT', 'PATCH']), `${path}/config`, { rawBody: random.pick(raw) }),
      () => this.#call('PATCH', `${path}/offsets`, { rawBody: random.pick(raw) }),
      () => this.#call('POST', '/connectors', { body: {}, headers: { 'Content-Type': random.pick(['', 'text/plain', 'application/xml']) } }),
      () => this.#call('GET', '/connectors', { headers: { Accept: random.pick(['text/html', 'application/xml', '*/*', 'application/json;q=0']) } }),
      () => this.#call(random.pick(['POST', 'DELETE', 'PATCH']), `${path}/${random.pick(['status', 'tasks', 'topics', 'config'])}`, { body: {} }),
      () => this.#call(random.pick(['GET', 'POST']), `${path}/${random.pick(['pause', 'resume', 'stop', 'restart', 'nothing', 'tasks/0', 'tasks/0/nothing'])}`),
      () => this.#call(random.pick(['GET', 'PUT']), random.pick(['/nothing', '/connectors/a/b/c/d', '/Connectors', '/connector-plugins/x/y', '//connectors'])),
      () => this.#call('GET', `/connector-plugins/${random.pick(['NoSuch', 'FileStreamSink/nothing'])}/config`),
      () => this.#call('OPTIONS', random.pick(['/', '/connectors'])),
    );
  }

  /** Names that no path can name; their connectors can only be made. They are stopped, because they will stay. */
  #unreachable(): void {
    const name = `${this.#random.pick(['a/b', '50%', 'back\\slash'])}-\${ID}`;
    const config = validConfig(this.#random, this.#kind());
    this.#call('POST', '/connectors', { body: { name, config, initial_state: 'STOPPED' } });
    this.#call('GET', pathOf(name));
  }
}
