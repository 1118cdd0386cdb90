"""The same service on Debian's python3-grpcio: PORT PROCESSES THREADS, with BENCH_BLOCK as the others."""
import os
import signal
import sys
import threading
import time
from concurrent import futures

PORT, PROCESSES, THREADS = (int(word) for word in sys.argv[1:4])
BLOCK = float(os.environ.get('BENCH_BLOCK', '0')) / 1000


def serve():
    # Only in the process that serves: grpc and fork() do not go together.
    import grpc
    from google.protobuf import timestamp_pb2, wrappers_pb2
    # StringValue, BytesValue, UInt32Value and Timestamp have the wire formats of Note, Chunk, Tally and Order.
    note, chunk, tally = wrappers_pb2.StringValue, wrappers_pb2.BytesValue, wrappers_pb2.UInt32Value

    def callback(request, _context):
        if BLOCK > 0:
            time.sleep(BLOCK * 50 if request.value == 'long' else BLOCK)
            return note(value='done')
        return note(value='Hello ' + request.value)

    def download(request, _context):
        message = chunk(value=bytes([7]) * request.nanos)
        for _ in range(request.seconds):
            yield message

    def upload(requests, _context):
        return tally(value=sum(1 for _ in requests))

    def write(message):
        return message.SerializeToString()

    handlers = {
        'Callback': grpc.unary_unary_rpc_method_handler(callback, note.FromString, write),
        'Download': grpc.unary_stream_rpc_method_handler(download, timestamp_pb2.Timestamp.FromString, write),
        'Upload': grpc.stream_unary_rpc_method_handler(upload, chunk.FromString, write),
    }
    options = (('grpc.so_reuseport', 1),) if PROCESSES > 1 else ()
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=THREADS), options=options)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler('bench.Bench', handlers),))
    server.add_insecure_port('127.0.0.1:%d' % PORT)
    server.start()
    # In one piece: print() may write the end of the line apart, and another process between them.
    os.write(1, b'ready\n')
    server.wait_for_termination()


def end_with(stream, children):
    stream.read()
    for child in children:
        os.kill(child, signal.SIGKILL)
    os._exit(0)


children = []
if PROCESSES > 1:
    for _ in range(PROCESSES):
        # Ends with its parent, whatever becomes of that one.
        ours, theirs = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(theirs)
            threading.Thread(target=end_with, args=(os.fdopen(ours), ()), daemon=True).start()
            serve()
        os.close(ours)
        children.append(child)
    end_with(sys.stdin, children)
threading.Thread(target=end_with, args=(sys.stdin, ()), daemon=True).start()
serve()
