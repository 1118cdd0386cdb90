import { Client, credentials } from '@grpc/grpc-js';
import { decodeFile } from '#src/worker/services/descriptors/codec.js';
import type { FileDescriptor } from '#src/worker/services/descriptors/file-descriptor.js';
import {
  decodeResponse, encodeRequest,
  type ReflectionRequest, type ReflectionResponse, type Version,
} from '#src/worker/services/reflection-messages.js';

/** Asks all questions on one stream and ends it; the answers are in the same order. */
export async function reflect(address: string, questions: readonly ReflectionRequest[], version: Version = 'v1'): Promise<ReflectionResponse[]> {
  const client = new Client(address, credentials.createInsecure());
  const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
  try {
    const call = client.makeBidiStreamRequest(path, encodeRequest, decodeResponse, { deadline: Date.now() + 20_000 });
    for (const question of questions) call.write(question);
    call.end();
    const answers: ReflectionResponse[] = [];
    for await (const answer of call) answers.push(answer as ReflectionResponse);
    return answers;
  } finally {
    client.close();
  }
}

/** The descriptors in an answer. */
export function filesOf(answer: ReflectionResponse | undefined): FileDescriptor[] {
  if (answer === undefined || !('fileDescriptorResponse' in answer)) throw new Error(`no files in ${JSON.stringify(answer)}`);
  return answer.fileDescriptorResponse.fileDescriptorProto.map(decodeFile);
}

/** Every file that the services of a server need, by name, each asked for on a stream of its own. */
export async function allFiles(address: string, services: readonly string[]): Promise<Map<string, FileDescriptor>> {
  const files = new Map<string, FileDescriptor>();
  for (const service of services) {
    const [answer] = await reflect(address, [{ fileContainingSymbol: service }]);
    for (const file of filesOf(answer)) files.set(file.name, file);
  }
  return files;
}
