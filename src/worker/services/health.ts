import { HealthImplementation, service } from 'grpc-health-check';
export function createHealth(services: readonly string[]): {definition: import('@grpc/grpc-js').ServiceDefinition; implementation: import('@grpc/grpc-js').UntypedServiceImplementation; setServing(): void; setNotServing(): void} {
  const all = ['', ...services];
  const impl = new HealthImplementation(Object.fromEntries(all.map((s) => [s, 'NOT_SERVING' as const])));
  let added: any; impl.addToServer({ addService: (_d: unknown, i: unknown) => { added = i; } } as never);
  return { definition: service, implementation: added, setServing() { for (const s of all) impl.setStatus(s, 'SERVING'); }, setNotServing() { for (const s of all) impl.setStatus(s, 'NOT_SERVING'); } };
}
