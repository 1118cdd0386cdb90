import { resolve } from 'node:path';
import { loadPackageDefinition, type GrpcObject } from '@grpc/grpc-js';
import { loadSync, type Options } from '@grpc/proto-loader';
export type LoadProto = (path: string | string[], options?: Options) => GrpcObject;
export const createLoadProto = (folder: string): LoadProto => (path, options) => loadPackageDefinition(loadSync(resolve(folder, path as string), options));
