"""A gRPC client for the tests: reads orders from stdin, one JSON object a line, and prints the outcomes likewise.

    client.py ADDRESS [--ca FILE [--cert FILE --key FILE] [--name HOST]]

    {"id": 1, "call": CALL}                            ->  {"id": 1, "outcome": {...}}
    {"id": 2, "load": {"call": CALL, "inFlight": 8}}   ->  {"id": 2, "loading": true} after the first call ended
    {"id": 2, "stop": true}                            ->  {"id": 2, "tally": {...}}

CALL is {method, kind, send, metadata, timeoutMs, compress, lockstep, cancelAfter}; test/support/calls.ts describes it.
Messages are bytes to this program: it needs grpcio and nothing else. It ends when stdin does.
"""

import argparse
import base64
import json
import queue
import sys
import threading
from collections import Counter

import grpc

SIZES = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
COMPRESSIONS = {None: None, "gzip": grpc.Compression.Gzip, "deflate": grpc.Compression.Deflate}
printing = threading.Lock()


def say(**fields):
    with printing:
        print(json.dumps(fields), flush=True)


def connect(options):
    if options.ca is None:
        return grpc.insecure_channel(options.address, SIZES)
    ca, cert, key = (path and open(path, "rb").read() for path in (options.ca, options.cert, options.key))
    name = [("grpc.ssl_target_name_override", options.name)] if options.name else []
    return grpc.secure_channel(options.address, grpc.ssl_channel_credentials(ca, key, cert), SIZES + name)


def to_wire(pairs):
    return [(key, base64.b64decode(value) if key.endswith("-bin") else value) for key, value in pairs]


def from_wire(pairs):
    texts = {}
    for key, value in pairs or ():
        texts.setdefault(key, []).append(base64.b64encode(value).decode() if key.endswith("-bin") else value)
    return texts


def perform(channel, order):
    """Makes one call; returns the call object, its messages, whatever its end was."""
    kind, cancel_after = order["kind"], order.get("cancelAfter")
    messages = [base64.b64decode(message) for message in order["send"]]
    options = {
        "timeout": order["timeoutMs"] / 1000,
        "metadata": to_wire(order.get("metadata", [])),
        "compression": COMPRESSIONS[order.get("compress")],
    }
    # One permit for each message that may be sent; with lockstep an answer gives the next one.
    permits = queue.Queue()
    for _ in range(1 if order.get("lockstep") else len(messages)):
        permits.put(None)

    def stream():
        for message in messages:
            permits.get()
            yield message
        if cancel_after == 0:
            permits.get()

    received = []
    try:
        if kind == "unary":
            call = channel.unary_unary(order["method"]).future(messages[0], **options)
            received.append(call.result())
        elif kind == "client_stream":
            call = channel.stream_unary(order["method"]).future(stream(), **options)
            if cancel_after == 0:
                call.cancel()
            received.append(call.result())
        else:
            if kind == "server_stream":
                call = channel.unary_stream(order["method"])(messages[0], **options)
            else:
                call = channel.stream_stream(order["method"])(stream(), **options)
            if cancel_after == 0:
                call.cancel()
            for message in call:
                received.append(message)
                permits.put(None)
                if len(received) == cancel_after:
                    call.cancel()
    except (grpc.RpcError, grpc.FutureCancelledError):
        for _ in range(len(messages) + 1):
            permits.put(None)  # lets the sending generator end
    return call, received


def outcome(channel, order):
    call, received = perform(channel, order)
    return {
        "code": call.code().value[0],
        "details": call.details() or "",
        "headers": from_wire(call.initial_metadata()),
        "trailers": from_wire(call.trailing_metadata()),
        "messages": [base64.b64encode(message).decode() for message in received],
    }


class Load:
    """Keeps a number of calls in flight until it is told to stop."""

    def __init__(self, channel, number, order):
        self.channel, self.number, self.order = channel, number, order["call"]
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.calls, self.codes, self.details = 0, Counter(), {}
        self.threads = [threading.Thread(target=self.work, daemon=True) for _ in range(order["inFlight"])]
        for thread in self.threads:
            thread.start()

    def work(self):
        while not self.stopping.is_set():
            call, _ = perform(self.channel, self.order)
            code = call.code().value[0]
            with self.lock:
                self.calls += 1
                self.codes[code] += 1
                if code != 0:
                    self.details.setdefault(code, set()).add(call.details())
                first = self.calls == 1
            if first:
                say(id=self.number, loading=True)

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        details = {code: sorted(texts)[:5] for code, texts in self.details.items()}
        say(id=self.number, tally={"calls": self.calls, "codes": self.codes, "details": details})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    for flag in ("--ca", "--cert", "--key", "--name"):
        parser.add_argument(flag)
    channel = connect(parser.parse_args())
    loads = {}
    for line in sys.stdin:
        order = json.loads(line)
        number = order["id"]
        if "call" in order:
            answer = lambda number=number, call=order["call"]: say(id=number, outcome=outcome(channel, call))
            threading.Thread(target=answer, daemon=True).start()
        elif "load" in order:
            loads[number] = Load(channel, number, order["load"])
        else:
            threading.Thread(target=loads.pop(number).stop, daemon=True).start()
    channel.close()


main()
