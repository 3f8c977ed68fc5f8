import { randomBytes } from 'node:crypto';
import { NotFoundException } from '../connect/errors.ts';
import { stringifyExact } from '../connect/exact-json.ts';
import { ConnectorLetters, type LetterPorts, type QueueKind } from '../runtime/dead-letters/connector-letters.ts';
import type { DeadLetter } from '../runtime/dead-letters/dead-letter.ts';
import { isOf, type LetterFilter, matches } from '../runtime/dead-letters/letter-filter.ts';
import { letterOfText } from '../runtime/dead-letters/letter-text.ts';
import type { ReplayRequest } from '../runtime/dead-letters/replay/replay-request.ts';
import { forgetOther, topicBounds } from '../runtime/dead-letters/replay/replay-topic.ts';
import { boundsOf, placeOfId, TopicLetterReader } from '../runtime/dead-letters/topic-letter-reader.ts';
import type { RuntimePorts } from '../runtime/ports.ts';
import type { ConnectorSpec, Replay } from '../storage/ports.ts';
import { BadRequestException, ConnectRestException } from './connect-rest-exception.ts';
import { cursorOf, type DeadLetterInfo, letterInfo, positionsOf, type ReplayInfo, replayInfo } from './dead-letter-entities.ts';

/** What a caller asks for; absent: the topic if there is one, all letters. */
export interface LetterQuery {
  readonly queue: QueueKind | null;
  readonly filter: LetterFilter;
}

export interface DeadLetterPage {
  readonly connector: string;
  readonly queue: { readonly topic: string } | { readonly sqs: string };
  readonly dead_letters: readonly DeadLetterInfo[];
  /** For the next page; null: there are no more now. */
  readonly next: string | null;
}

export interface DryRun {
  readonly dry_run: true;
  readonly matching: number;
  readonly already_replayed: number;
  /** False: there was no time to look at all of them. */
  readonly complete: boolean;
}

export interface HerderLetterPorts extends LetterPorts, Pick<RuntimePorts, 'storage' | 'clock'> {}

/** How long a request looks through a queue; API Gateway ends it after 29 seconds. */
const lookMs = 12_000;
const pollMs = 1_000;
/** Messages that were looked at are seen by others again after this time: SQS has no way to only look. */
const lookedAtSeconds = 20;
/** Most bytes of one page: a response of Lambda has 6 MB. */
const pageBytes = 3_000_000;

/** What the REST API means by dead letters: reading them, and replays of them. Errors are as the herder's. */
export class DeadLetters {
  readonly #ports: HerderLetterPorts;

  constructor(ports: HerderLetterPorts) {
    this.#ports = ports;
  }

  /** Some letters, the oldest first. A page may have fewer than asked for, also none, and not be the last. */
  async list(name: string, { queue, filter }: LetterQuery, { limit, cursor }: { limit: number; cursor: string | null }): Promise<DeadLetterPage> {
    const letters = await this.#letters(await this.#spec(name));
    return letters.kind(queue) === 'topic' ? this.#listTopic(letters, filter, limit, cursor) : this.#listQueue(letters, filter, limit);
  }

  /** One letter, whole. */
  async get(name: string, id: string): Promise<DeadLetterInfo> {
    const letters = await this.#letters(await this.#spec(name));
    const place = placeOfId(id);
    if (letters.kind(null) !== 'topic') throw new BadRequestException('Letters of an SQS queue cannot be looked up by their id: list them');
    if (place === null) throw new BadRequestException(`'${id}' is no id of a dead letter: expected PARTITION-OFFSET, such as 0-12`);
    const { positions, ends } = await topicBounds({ letters }, [id]);
    const reader = new TopicLetterReader(letters.topic, letters.reader(1), positions, ends);
    const until = this.#ports.clock.now() + lookMs;
    try {
      while (!reader.done && this.#ports.clock.now() < until) {
        const [found] = await reader.read(pollMs);
        if (found?.id !== id) continue;
        const replayed = await this.#ports.storage.replays.replayed(name, { topic: letters.topic, partition: found.partition, offsets: [found.offset] });
        const whole = await letters.whole(found.letter).catch(() => found.letter);
        return letterInfo(id, { ...whole, claim: found.letter.claim }, { replayed: replayed.size > 0, whole: true });
      }
    } finally {
      await reader.close();
    }
    throw new NotFoundException(`There is no dead letter ${id} of connector ${name} (any more)`);
  }

  /** Begins a replay, or tells what one would do. */
  async replay(
    name: string,
    { queue, filter }: LetterQuery,
    options: { ids: readonly string[] | null; again: boolean; dryRun: boolean },
  ): Promise<ReplayInfo | DryRun> {
    const spec = await this.#spec(name);
    if (spec.targetState === 'STOPPED') throw new ConnectRestException(409, `Connector ${name} is stopped and has no pipeline: resume or pause it first`);
    const letters = await this.#letters(spec);
    const { ids, again } = options;
    const request: ReplayRequest = { queue: letters.kind(queue), ids, filter, again };
    const wrong = request.queue === 'topic' ? ids?.find((id) => placeOfId(id) === null) : undefined;
    if (wrong !== undefined) throw new BadRequestException(`'${wrong}' is no id of a dead letter: expected PARTITION-OFFSET, such as 0-12`);
    if (options.dryRun) return request.queue === 'topic' ? this.#dryRunTopic(letters, request) : this.#dryRunQueue(letters, request);
    const { positions, ends } = request.queue === 'topic' ? await topicBounds({ letters }, ids) : { positions: new Map(), ends: new Map() };
    const id = `${this.#ports.clock.now().toString(36)}-${randomBytes(3).toString('hex')}`;
    const stored = { ...request, filter: { ...filter } };
    const replay = await this.#ports.storage.replays.create({ connector: name, id, request: stored, positions, ends });
    if (replay === null)
      throw new ConnectRestException(
        409,
        `Another replay of connector ${name} is under way: wait for its end, or cancel it (DELETE /connectors/${name}/dead-letters/replay/ID)`,
      );
    return replayInfo(replay);
  }

  async replays(name: string): Promise<readonly ReplayInfo[]> {
    await this.#spec(name);
    return (await this.#ports.storage.replays.list(name)).map(replayInfo);
  }

  async replayStatus(name: string, id: string): Promise<ReplayInfo> {
    return replayInfo(this.#found(name, id, await this.#ports.storage.replays.get(name, id)));
  }

  /** Ends a replay; what went through the pipeline already stays done. */
  async cancelReplay(name: string, id: string): Promise<ReplayInfo> {
    return replayInfo(this.#found(name, id, await this.#ports.storage.replays.cancel(name, id)));
  }

  #found(name: string, id: string, replay: Replay | null): Replay {
    if (replay === null) throw new NotFoundException(`There is no replay ${id} of connector ${name}`);
    return replay;
  }

  async #spec(name: string): Promise<ConnectorSpec> {
    const spec = await this.#ports.storage.connectors.get(name);
    if (spec === null) throw new NotFoundException(`Connector ${name} not found`);
    return spec;
  }

  async #letters(spec: ConnectorSpec): Promise<ConnectorLetters> {
    return ConnectorLetters.open(this.#ports, spec);
  }

  async #listTopic(letters: ConnectorLetters, filter: LetterFilter, limit: number, cursor: string | null): Promise<DeadLetterPage> {
    const { storage, clock } = this.#ports;
    const { topic, connector } = letters;
    const { beginnings, ends } = await boundsOf(letters.admin(), topic);
    const positions = positionsOf(cursor, beginnings);
    const reached = new Map(positions);
    const reader = new TopicLetterReader(topic, letters.reader(Math.min(limit, 100)), positions, ends);
    const until = clock.now() + lookMs;
    const page: DeadLetterInfo[] = [];
    let bytes = 0;
    await forgetOther({ ports: this.#ports, letters });
    try {
      while (!reader.done && clock.now() < until) {
        const some = await reader.read(pollMs);
        for (const [partition, of] of Map.groupBy(some, (each) => each.partition)) {
          const replayed = await storage.replays.replayed(connector, { topic, partition, offsets: of.map(({ offset }) => offset) });
          for (const { id, offset, letter } of of) {
            // The rest is for the next page.
            if (page.length >= limit || bytes >= pageBytes) return { connector, queue: { topic }, dead_letters: page, next: cursorOf(reached) };
            reached.set(String(partition), offset + 1n);
            if (!isOf(connector, letter) || !matches(filter, letter)) continue;
            const info = letterInfo(id, letter, { replayed: replayed.has(offset), whole: false });
            page.push(info);
            bytes += stringifyExact(info).length;
          }
        }
        for (const [partition, offset] of reader.positions) reached.set(partition, offset);
      }
      return { connector, queue: { topic }, dead_letters: page, next: reader.done ? null : cursorOf(reached) };
    } finally {
      await reader.close();
    }
  }

  async #listQueue(letters: ConnectorLetters, filter: LetterFilter, limit: number): Promise<DeadLetterPage> {
    const found = await this.#look(letters, limit, (_, letter) => matches(filter, letter));
    const page = found.letters.map(({ id, letter }) => letterInfo(id, letter, { replayed: false, whole: false }));
    return {
      connector: letters.connector,
      queue: { sqs: letters.settings.queueUrl ?? '' },
      dead_letters: page.sort((a, b) => (a.failed_at ?? 0) - (b.failed_at ?? 0)),
      // Those of this page are out of sight for a while: the same request has the next.
      next: found.more ? 'more' : null,
    };
  }

  /** Letters of an SQS queue, which are out of sight of others for a while. */
  async #look(letters: ConnectorLetters, limit: number, wanted: (id: string, letter: DeadLetter) => boolean) {
    const { clock } = this.#ports;
    const queue = letters.queue();
    const found: { id: string; letter: DeadLetter }[] = [];
    const others: string[] = [];
    const until = clock.now() + lookMs;
    let more = true;
    while (found.length < limit && clock.now() < until) {
      const messages = await queue.receive({ max: Math.min(10, limit - found.length), hiddenSeconds: lookedAtSeconds, waitSeconds: 1 });
      more = messages.length > 0;
      if (!more) break;
      for (const { id, receipt, body } of messages) {
        const letter = letterOfText(body);
        if (letter !== null && isOf(letters.connector, letter) && wanted(id, letter)) found.push({ id, letter });
        else others.push(receipt);
      }
    }
    await queue.hide(others, 0);
    return { letters: found, more };
  }

  async #dryRunTopic(letters: ConnectorLetters, request: ReplayRequest): Promise<DryRun> {
    const { storage, clock } = this.#ports;
    const { topic, connector } = letters;
    if (!request.again) await forgetOther({ ports: this.#ports, letters });
    const { positions, ends } = await topicBounds({ letters }, request.ids);
    const ids = request.ids === null ? null : new Set(request.ids);
    const reader = new TopicLetterReader(topic, letters.reader(1_000), positions, ends);
    const until = clock.now() + lookMs;
    let [matching, already] = [0, 0];
    try {
      while (!reader.done && clock.now() < until) {
        const some = (await reader.read(pollMs)).filter(
          ({ id, letter }) => (ids === null || ids.has(id)) && isOf(connector, letter) && matches(request.filter, letter),
        );
        for (const [partition, of] of Map.groupBy(some, (each) => each.partition)) {
          const replayed = await storage.replays.replayed(connector, { topic, partition, offsets: of.map(({ offset }) => offset) });
          already += replayed.size;
          matching += request.again ? of.length : of.length - replayed.size;
        }
      }
      return { dry_run: true, matching, already_replayed: already, complete: reader.done };
    } finally {
      await reader.close();
    }
  }

  async #dryRunQueue(letters: ConnectorLetters, { ids, filter }: ReplayRequest): Promise<DryRun> {
    const { letters: found, more } = await this.#look(letters, 1_000, (id, letter) => (ids === null || ids.includes(id)) && matches(filter, letter));
    return { dry_run: true, matching: found.length, already_replayed: 0, complete: !more };
  }
}

/** Reads a filter and the kind of queue from texts. Throws BadRequestException naming what is wrong. */
export function letterQueryOf(given: Readonly<Record<string, unknown>>): LetterQuery {
  const queue = given['queue'] ?? null;
  if (queue !== null && queue !== 'topic' && queue !== 'sqs')
    throw new BadRequestException(`Invalid value '${String(queue)}' of 'queue': expected topic or sqs`);
  const text = (name: string) => {
    const value = given[name] ?? null;
    if (value === null) return {};
    if (typeof value !== 'string' || value === '') throw new BadRequestException(`Expected a text as the value of '${name}'`);
    return { [name]: value };
  };
  const number = (name: string) => {
    const value = given[name] ?? null;
    if (value === null) return {};
    if (!/^\d{1,15}$/.test(String(value))) throw new BadRequestException(`Invalid value '${String(value)}' of '${name}': expected a whole number`);
    return { [name]: Number(value) };
  };
  const time = (name: string) => {
    const value = given[name] ?? null;
    if (value === null) return {};
    const at = /^\d{1,15}$/.test(String(value)) ? Number(value) : Date.parse(String(value));
    if (Number.isNaN(at))
      throw new BadRequestException(
        `Invalid value '${String(value)}' of '${name}': expected milliseconds since the epoch, or a time such as 2026-01-31T12:00:00Z`,
      );
    return { [name]: at };
  };
  const filter: LetterFilter = {
    ...text('stage'),
    ...text('exception'),
    ...text('message'),
    ...text('topic'),
    ...number('partition'),
    ...number('task'),
    ...time('since'),
    ...time('until'),
  };
  return { queue, filter };
}
