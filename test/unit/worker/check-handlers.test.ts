import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MethodDefinition, ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import { DaemonError } from '#src/shared/errors.js';
import { checkHandlers } from '#src/worker/check-handlers.js';

const method = (name: string): Partial<MethodDefinition<unknown, unknown>> => ({ path: `/demo.v1.Greeter/${name}`, originalName: name.charAt(0).toLowerCase() + name.slice(1) });
const definition = { SayHello: method('SayHello'), SayBye: method('SayBye') } as unknown as ServiceDefinition;
const check = (handlers: object): string[] => checkHandlers(definition, handlers as UntypedServiceImplementation);
const yes = (): void => undefined;

function refused(handlers: object): DaemonError {
  try {
    check(handlers);
  } catch (error) {
    assert.ok(error instanceof DaemonError);
    return error;
  }
  throw new Error('it was taken');
}

test('handlers are taken under either name of their methods, and missing ones named', () => {
  assert.deepEqual(check({ SayHello: yes, sayBye: yes }), []);
  assert.deepEqual(check({ sayHello: yes }), ['SayBye']);
  assert.deepEqual(check({}), ['SayHello', 'SayBye']);
  assert.deepEqual(check({ SayHello: yes, SayBye: yes, db: {} }), []);
});

test('a handler without a method is refused, and the nearest method that lacks one suggested', () => {
  const { code, message, hint } = refused({ SayHelo: yes, SayBye: yes });
  assert.deepEqual([code, message, hint], ['E_SERVICER', 'the service demo.v1.Greeter has no method SayHelo, for which there is a handler', 'Did you mean SayHello?']);
  assert.equal(refused({ sayHello: yes, SayBye: yes, sayHelo: yes }).hint, 'Did you mean SayHello?');
  assert.match(refused({ SayHello: yes, SayBye: yes, connect: yes }).hint, /^Its methods: SayHello, SayBye\./);
});

test('a handler that is no function is refused', () => {
  assert.match(refused({ SayHello: 5, SayBye: yes }).message, /the handler SayHello of demo\.v1\.Greeter is no function but number/);
});

test('an instance of a class may have functions of its own', () => {
  class Greeter {
    readonly helper = yes;
    SayHello(): void {
      this.helper();
    }
    SayBye(): void {
      this.helper();
    }
  }
  assert.deepEqual(check(new Greeter()), []);
});
