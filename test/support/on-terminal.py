# Runs a command on a terminal of its own, so that tests can drive full-screen programs.
#   on-terminal.py ROWS COLUMNS COMMAND...
# What is written to it is typed; what the command prints comes out as it is. On standard error one line with the
# command's pid, and at its end one that says whether the terminal's settings are as they were. SIGUSR1 makes the
# terminal 40 x 132. Exits as the command did.
import fcntl, os, pty, select, signal, struct, sys, termios

rows, columns, *command = sys.argv[1:]


def resize(rows, columns):
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))


master, slave = pty.openpty()
resize(int(rows), int(columns))
before = termios.tcgetattr(slave)
pid = os.fork()
if pid == 0:
    os.close(master)
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for fd in range(3):
        os.dup2(slave, fd)
    os.close(slave)
    os.execvp(command[0], command)
signal.signal(signal.SIGUSR1, lambda *_: resize(40, 132))
print('pid', pid, file=sys.stderr, flush=True)


def copy(source, target):
    try:
        data = os.read(source, 65536)
    except OSError:
        data = b''
    while data:
        data = data[os.write(target, data):]


sources = [master, 0]
while True:
    ready, _, _ = select.select(sources, [], [], 0.05)
    if master in ready:
        copy(master, 1)
    elif 0 in ready:
        data = os.read(0, 4096)
        if data:
            os.write(master, data)
        else:
            sources.remove(0)
    else:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            break
print('settings', 'kept' if termios.tcgetattr(slave) == before else 'changed', file=sys.stderr, flush=True)
sys.exit(os.waitstatus_to_exitcode(status) % 256)
