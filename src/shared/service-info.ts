/** What a servicer offers, in words that every process and the CLI share. */
export type MethodKind = 'unary' | 'client_stream' | 'server_stream' | 'bidi_stream';

export interface MethodInfo {
  readonly name: string;
  readonly kind: MethodKind;
}

export interface ServiceInfo {
  /** Full name, `pkg.Service`. */
  readonly name: string;
  readonly methods: readonly MethodInfo[];
}
