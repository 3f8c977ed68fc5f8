/** Something happened that a connector waits for: what a rule of EventBridge, a pipe (a list of them) or a person sends. */
export interface Wake {
  readonly kind: 'wake';
  readonly connector: string;
}

/** Connectors that an event names, each once; none when it is another event. Throws Error when a wake names nobody. */
export function wokenBy(event: unknown): readonly string[] {
  const wakes = [event].flat().filter((each): each is Wake => (each as Partial<Wake> | null)?.kind === 'wake');
  for (const { connector } of wakes) {
    if (typeof connector !== 'string' || connector === '') throw new Error(`The event ${JSON.stringify(event)} must name a connector`);
  }
  return [...new Set(wakes.map(({ connector }) => connector))];
}
