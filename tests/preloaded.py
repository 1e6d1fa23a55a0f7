"""Python in forks of one process that has the heavy packages loaded.

To load torch, pandas and Snakemake takes longer than a job of the tiny tree or a dry run of it, and
tests start hundreds. What `python()` names is started like an interpreter and takes `-u`, `-c`,
`-m` or a script; what it starts by `sys.executable` is such a fork too. SIGINT and SIGTERM reach it
through the program that was started, and when that is killed it is killed too.

Of `grids` the server has loaded what plans and jobs of this checkout import, and has worked out
the fingerprints. A fork takes a module from there where it would load it from this checkout's file;
in any other checkout it loads that one's.

The processes of pytest-xdist share the one that `conftest.pytest_configure` starts before them.
"""

import atexit
import functools
import gc
import hashlib
import importlib
import io
import marshal
import os
import pkgutil
import runpy
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
import weakref
from contextlib import suppress
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from io import BufferedReader, BufferedWriter, FileIO, TextIOWrapper
from pathlib import Path
from types import ModuleType

LOADED = (
    *("snakemake.cli", "snakemake.profiles", "snakemake.report.html_reporter", "snakemake.script"),
    *("snakemake.storage", "snakemake_interface_executor_plugins", "nbformat", "smart_open", "yte"),
    # Optimizers load torch._dynamo when they are made, which takes longer than torch itself.
    *("torch", "torch.distributed", "torch.nn.parallel", "torch.optim", "torch._dynamo"),
    *("safetensors.torch", "numpy", "pandas", "pyarrow.dataset", "pyarrow.pandas_compat"),
    *("pyarrow.parquet", "pydantic.json_schema", "scipy.cluster.hierarchy", "scipy.optimize"),
    *("scipy.stats", "scipy.sparse", "skimage.exposure", "skimage.metrics", "skimage.util"),
    *("matplotlib.figure", "matplotlib.backends.backend_svg", "torch.utils.serialization.config"),
    *("pandas.core.arrays.arrow.extension_types", "PIL.Image", "PIL.ImageCms", "PIL.ImageFont"),
    *("PIL.BmpImagePlugin", "PIL.GifImagePlugin", "PIL.JpegImagePlugin", "PIL.PpmImagePlugin"),
    *("PIL.TiffImagePlugin", "PIL.ImageOps"),
)
# Rooms of `grids` that no fork has loaded: they load what few tests need, and some of it threads.
LEFT_OUT = ("bundle", "commands", "page", "restoring")
# Rooms of `grids` whose modules count where a configuration names them.
CHOSEN = ("backbones", "degradations", "descriptors", "search.strategies", "training.procedures")
FILLING: list[bytes] = []
# What processes of a session find where one has started the server for them all.
SHARED = "GRIDS_TESTS_PRELOADED"
# Sends its arguments, its place and its standard files, hands on signals to the process that comes
# of it, and ends with the status that comes back.
CLIENT = """\
#!{python} -ISs
import _signal, _socket, marshal, os, sys  # `socket` and `signal` take longer to load
server = _socket.socket(_socket.AF_UNIX)
server.connect({address!r})
told = marshal.dumps([sys.argv, os.getcwd(), dict(os.environ)])
files = b"".join(file.to_bytes(4, sys.byteorder) for file in (0, 1, 2))
rights = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, files)
server.sendmsg([len(told).to_bytes(8, "little")], [rights])
server.sendall(told)
pid = int.from_bytes(server.recv(4), sys.byteorder)
def hand_on(number, frame):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
for number in (_signal.SIGINT, _signal.SIGTERM):
    _signal.signal(number, hand_on)
status = server.recv(1)
sys.exit(status[0] if status else "the process of loaded packages has ended")
"""


def python(prefix: tuple[str, ...] = ()) -> str:
    """The program; whoever starts its server first has it end with itself.

    `prefix` is a program with options that starts the server.
    """
    if not prefix and SHARED in os.environ:
        return os.environ[SHARED]
    return _served(prefix)


@functools.cache
def _served(prefix: tuple[str, ...]) -> str:
    folder = Path(tempfile.mkdtemp(prefix="preloaded-"))
    address, client = folder / "socket", folder / "python"
    client.write_text(CLIENT.format(python=sys.executable, address=str(address)))
    client.chmod(0o755)
    with socket.socket(socket.AF_UNIX) as listener:
        # Programs that are started before the packages are loaded wait here.
        listener.bind(str(address))
        listener.listen(64)
        server = subprocess.Popen(
            [*prefix, sys.executable, __file__, str(listener.fileno()), str(client)],
            stdin=subprocess.PIPE,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            cwd="/",
            pass_fds=[listener.fileno()],
        )
    # A fork that has outlived the tests may still write there.
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(server.kill)
    return str(client)


def compiled() -> Path:
    """Folder of the modules that forks have compiled, by the absolute paths of their sources.

    So that each is compiled once a session, whatever the environment says of bytecode.
    """
    return _compiled(python())


def _compiled(client: str) -> Path:
    return Path(client).with_name("compiled")


def _load(client: str) -> None:
    gc.disable()
    for name in LOADED:
        importlib.import_module(name)
    _use_tables()
    _parse_once(_compiled(client) / "rules")
    _load_own(_compiled(client))
    # To make it collects the plugins that are installed, once a process.
    importlib.import_module("snakemake.cli").get_argument_parser()
    # Forks look for no garbage in what they share, and undo nothing of it at their end.
    gc.collect()
    # What forks make would fill gaps between what is there: a page to copy for a few objects each.
    for size in range(48, 513, 16):
        FILLING.extend(bytes(size - sys.getsizeof(b"")) for _ in range(2**19 // size))
    gc.freeze()
    gc.enable()
    for shared in list(weakref.finalize._registry):
        shared.atexit = False


def _use_tables() -> None:
    """What pandas does for the first time takes longest; but reading a file would start threads."""
    table = importlib.import_module("pandas").DataFrame({"name": ["a"], "number": [1.0]})
    table.merge(table, on="name").groupby("name")["number_x"].mean()
    table.to_csv(io.StringIO())
    table.to_parquet(io.BytesIO())


class _Loaded(SourceFileLoader):
    """Loads a module by taking one that is loaded."""

    module: ModuleType

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self.module

    def exec_module(self, module: ModuleType) -> None:
        pass


def _load_own(compiled: Path) -> None:
    """Has forks find the modules of this checkout loaded, where they look for these."""
    checkout = str(Path(__file__).parents[1])
    sys.dont_write_bytecode, sys.pycache_prefix = False, str(compiled)
    sys.path.insert(0, checkout)
    own = importlib.import_module("grids")
    for room in pkgutil.iter_modules(own.__path__, "grids."):
        if room.ispkg and room.name.removeprefix("grids.") not in LEFT_OUT:
            package = importlib.import_module(room.name)
            for module in pkgutil.walk_packages(package.__path__, f"{room.name}."):
                importlib.import_module(module.name)
    sys.path.remove(checkout)
    names = [name for name in sys.modules if name.partition(".")[0] == "grids"]
    # To work out what all code of a checkout comes to takes as long as two dry runs.
    fingerprint = sys.modules["grids.jobs.fingerprints"].fingerprint
    chosen = [name for name in names if name.startswith(tuple(f"grids.{room}." for room in CHOSEN))]
    for script in Path(checkout, "workflow", "scripts").glob("*.py"):
        fingerprint(script, *chosen)
    loaded = {name: sys.modules.pop(name) for name in names}

    class Finder:
        @staticmethod
        def find_spec(name, path=None, target=None):
            if name not in loaded:
                return None
            spec = PathFinder.find_spec(name, path, target)
            if spec is None or spec.origin != loaded[name].__file__:
                return None
            spec.loader = _Loaded(name, spec.origin)
            spec.loader.module = loaded[name]
            return spec

    sys.meta_path.insert(0, Finder)


def _parse_once(folder: Path) -> None:
    """Has forks parse and compile each file of rules once a session: a third of a dry run."""
    workflow = importlib.import_module("snakemake.workflow")
    parse = workflow.parse
    folder.mkdir(parents=True)

    def kept(told, make):
        """What is made of this, by whichever fork is first."""
        file = folder / hashlib.sha256(repr(told).encode()).hexdigest()
        with suppress(FileNotFoundError):
            return marshal.loads(file.read_bytes())
        made = make()
        half = file.with_suffix(f".{os.getpid()}")
        half.write_bytes(marshal.dumps(made))
        half.rename(file)
        return made

    def parsed(path, workflow, linemap, overwrite_shellcmd=None, rulecount=0):
        place = path.get_path_or_uri(secret_free=True)

        def make():
            return place, parse(path, workflow, linemap, overwrite_shellcmd, rulecount), linemap

        with workflow.sourcecache.open(path) as source:
            told = (source.read(), overwrite_shellcmd, rulecount)
        # The same file stands in several checkouts.
        first, (text, rulecount), lines = kept(told, make)
        linemap.update(lines)
        return text.replace(repr(first), repr(place)), rulecount

    def compiled(text, place, mode):
        return kept((text, place), lambda: compile(text, place, mode))

    workflow.parse, workflow.compile = parsed, compiled


def _serve(listening: str, client: str) -> None:
    _load(client)
    assert not [name for name in sys.modules if name.partition(".")[0] == "grids"]
    assert threading.active_count() == 1, "a fork would lack the other threads"
    woken, waking = socket.socketpair()
    waking.setblocking(False)
    signal.set_wakeup_fd(waking.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    listener = socket.socket(fileno=int(listening))
    waiting = selectors.DefaultSelector()
    for source in (listener, woken, sys.stdin):
        waiting.register(source, selectors.EVENT_READ)
    clients: dict[int, socket.socket] = {}
    while True:
        for key, _ in waiting.select():
            if key.fileobj is sys.stdin:
                return
            if key.fileobj is listener:
                connection, _ = listener.accept()
                told, files = _told(connection)
                if told is None:
                    connection.close()
                    continue
                pid = os.fork()
                if pid == 0:
                    signal.set_wakeup_fd(-1)
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    signal.signal(signal.SIGINT, signal.default_int_handler)
                    waiting.close()
                    for other in (listener, woken, waking, connection, *clients.values()):
                        other.close()
                    _become(told, files, client)
                for file in files:
                    os.close(file)
                with suppress(OSError):  # it does not wait
                    connection.send(pid.to_bytes(4, sys.byteorder))
                clients[pid] = connection
                waiting.register(connection, selectors.EVENT_READ, pid)
            elif key.fileobj is woken:
                woken.recv(4096)
                while clients:
                    pid, status = os.waitpid(-1, os.WNOHANG)
                    if pid == 0:
                        break
                    connection = clients.pop(pid)
                    if connection in waiting.get_map():
                        waiting.unregister(connection)
                    code = os.waitstatus_to_exitcode(status)
                    # A shell's status of a process that a signal has ended.
                    code = code if code >= 0 else 128 - code
                    with suppress(OSError):  # it did not wait
                        connection.send(bytes([code]))
                    connection.close()
            else:
                # The other side is closed: whoever waited has been killed.
                waiting.unregister(key.fileobj)
                if key.data in clients:
                    os.kill(key.data, signal.SIGKILL)


def _told(connection: socket.socket) -> tuple[bytes | None, list[int]]:
    """What a client sends: its arguments, folder and environment; standard files.

    None of one that was killed before it had said all.
    """
    with suppress(ConnectionError):
        length, files, *_ = socket.recv_fds(connection, 8, 3)
        told = b""
        while more := connection.recv(1 << 20):
            told += more
            if len(told) == int.from_bytes(length, "little"):
                return told, files
        for file in files:
            os.close(file)
    return None, []


def _become(told: bytes, files: list[int], client: str) -> None:
    """Runs what a client asks for in this process, and ends it."""
    (_, *arguments), folder, environment = marshal.loads(told)
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    # Those of the server know whether its files could seek.
    sys.stdin = TextIOWrapper(BufferedReader(FileIO(0, closefd=False)))
    sys.stdout = _writer(1, errors="strict")
    sys.stderr = _writer(2, errors="backslashreplace", line_buffering=True)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.executable = client
    own = str(Path(__file__).parent)
    given = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
    sys.path = [*given, *(path for path in sys.path if path != own)]
    status = 1
    try:
        _interpret(arguments)
        status = 0
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        else:
            status = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    # Snakemake sets itself a clock of a second with each choice of jobs, and would wait for it.
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer) and "snakemake" in thread.function.__module__:
            thread.cancel()
    try:
        threading._shutdown()
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status & 255)


def _writer(number: int, **how) -> TextIOWrapper:
    buffer = BufferedWriter(FileIO(number, "w", closefd=False))
    return TextIOWrapper(buffer, encoding="utf-8", **how)


def _interpret(arguments: list[str]) -> None:
    while arguments and arguments[0] == "-u":
        sys.stdout.reconfigure(write_through=True)
        arguments = arguments[1:]
    kind, *rest = arguments
    if kind == "-m":
        sys.path.insert(0, os.getcwd())
        sys.argv = rest
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    elif kind == "-c":
        sys.path.insert(0, "")
        sys.argv = ["-c", *rest[1:]]
        module = type(sys)("__main__")
        sys.modules["__main__"] = module
        exec(rest[0], module.__dict__)
    else:
        sys.path.insert(0, str(Path(kind).parent))
        sys.argv = arguments
        runpy.run_path(kind, run_name="__main__")


if __name__ == "__main__":
    _serve(*sys.argv[1:])
