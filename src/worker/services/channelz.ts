/** Runs in workers and in the inspector: grpc.channelz.v1, which describes the worker that answers. */
import { getChannelzHandlers, getChannelzServiceDefinition } from '@grpc/grpc-js';
import type { BuiltInService } from './built-in-service.js';

/** grpc-js's own service; it knows servers and channels made with `grpc.enable_channelz` not 0. */
export function createChannelz(): BuiltInService {
  return { definition: getChannelzServiceDefinition(), implementation: { ...getChannelzHandlers() } };
}
