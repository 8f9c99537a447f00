"""A real Spark cluster on one machine, for tests: a master, two workers and the Thrift server.

    .venv-spark/bin/python scripts/spark/cluster.py start [--home DIR] [--port N] [--workers N]
    .venv-spark/bin/python scripts/spark/cluster.py status | stop [--home DIR]

All of it comes with the pip package of PySpark and wants Java 17. State lies in <home>/spark: one JSON
file with the process ids and a log per process. Spark's catalogue is kept in memory: every refresh declares
its tables anew, and Hive's costs half of what the driver does for little data. Everything listens on
127.0.0.1 alone. `stop` ends exactly the processes that `start` began, by their ids.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
# Where profiles.yml looks for the Thrift server.
THRIFT_PORT = 10000
JAVA_VERSION = 17
_PATIENCE_SECONDS = 180
_STOP_SECONDS = 20
# The fast compiler alone: its code needs the room that Java gives to both, or Java goes on without any.
_QUICK_JAVA = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m -XX:+UseSerialGC"
_QUICK = {
    "spark.driver.extraJavaOptions": _QUICK_JAVA,
    "spark.executor.extraJavaOptions": _QUICK_JAVA,
    "spark.sql.shuffle.partitions": 2,
    # A plan is made once, and its expressions are walked: no machine code for each of a thousand stages.
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.constraintPropagation.enabled": "false",
}


class ClusterError(Exception):
    """The cluster did not do what it was asked to."""


@dataclass(frozen=True)
class Size:
    """What the cluster may use. The defaults fit a laptop beside other work."""

    workers: int = 2
    cores: int = 1
    worker_memory: str = "2g"
    executor_memory: str = "1536m"
    driver_memory: str = "2g"
    # A shuffle of a small machine in 200 pieces is 200 times the overhead.
    shuffle_partitions: int = 4
    # For small data: what Spark and Java prepare for long runs costs more than it gives.
    quick: bool = False


@dataclass(frozen=True)
class Cluster:
    """The processes of a running cluster: role (master, worker-1, ..., thrift) to process id."""

    home: Path
    port: int
    master_port: int
    web_port: int
    processes: dict[str, int]

    @property
    def state(self) -> Path:
        """Logs, process ids and Spark's catalogue."""
        return self.home / "spark"

    def save(self) -> None:
        """Note the process ids, so that another call can stop them."""
        content = {**asdict(self), "home": str(self.home)}
        (self.state / "cluster.json").write_text(json.dumps(content, indent=2), encoding="utf-8")


def java_problem() -> str | None:
    """Why there is no Java to run Spark with; None when there is."""
    java = _java()
    if java is None:
        return f"Spark needs Java {JAVA_VERSION} or newer, and there is no `java` here."
    found = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    words = found.stderr.split('"')
    version = words[1].split(".")[0] if len(words) > 1 else ""
    if not version.isdigit() or int(version) < JAVA_VERSION:
        return f"Spark needs Java {JAVA_VERSION} or newer, but {java} is {version or 'unknown'}."
    return None


def start(home: Path, *, port: int = THRIFT_PORT, size: Size | None = None) -> Cluster:
    """Start every process and wait until a query is answered; stops what it began if that fails."""
    size = size or Size()
    problem = java_problem()
    if problem:
        raise ClusterError(problem)
    running = load(home)
    if running and any(is_running(pid) for pid in running.processes.values()):
        raise ClusterError(f"A cluster of {home} is running already: stop it first.")
    if not _is_free(port):
        raise ClusterError(f"Port {port} is taken: name another with --port N.")
    state = home / "spark"
    for directory in (state, state / "work", state / "local"):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    master_port, web_port = _free_port(), _free_port()
    cluster = Cluster(home, port, master_port, web_port, {})
    url = f"spark://{HOST}:{master_port}"
    try:
        _launch(cluster, "master", _master_call(master_port, web_port))
        _wait(cluster, "master", lambda: _alive_workers(web_port) is not None)
        for number in range(1, size.workers + 1):
            start_worker(cluster, number, size=size)
        _wait(cluster, "master", lambda: _alive_workers(web_port) == size.workers)
        _launch(cluster, "thrift", _thrift_call(cluster, url, size))
        _wait(cluster, "thrift", lambda: _answers(port))
    except BaseException:
        stop(cluster)
        raise
    return cluster


def start_worker(cluster: Cluster, number: int, *, size: Size | None = None) -> None:
    """Start worker `number`; also one that was killed."""
    size = size or Size()
    call = ["spark-class", "org.apache.spark.deploy.worker.Worker", "--host", HOST]
    call += ["--cores", str(size.cores), "--memory", size.worker_memory, "--webui-port", "0"]
    call += ["--work-dir", str(cluster.state / "work"), f"spark://{HOST}:{cluster.master_port}"]
    _launch(cluster, f"worker-{number}", call)


def start_thrift(cluster: Cluster, *, size: Size | None = None) -> None:
    """Start the Thrift server of a running cluster again and wait until it answers."""
    url = f"spark://{HOST}:{cluster.master_port}"
    _launch(cluster, "thrift", _thrift_call(cluster, url, size or Size()))
    _wait(cluster, "thrift", lambda: _answers(cluster.port))


def stop(cluster: Cluster) -> None:
    """End every process of the cluster: asked first, then forced."""
    order = sorted(cluster.processes, key=lambda role: (role == "master", role != "thrift"))
    for role in order:
        _end(cluster.processes[role])
    (cluster.state / "cluster.json").unlink(missing_ok=True)
    shutil.rmtree(cluster.state / "local", ignore_errors=True)
    shutil.rmtree(cluster.state / "work", ignore_errors=True)


def kill(cluster: Cluster, role: str) -> None:
    """What a lost machine looks like: the process and all that it started die at once."""
    pid = cluster.processes[role]
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    deadline = time.monotonic() + _STOP_SECONDS
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.1)


def load(home: Path) -> Cluster | None:
    """The cluster that was started with this home; None when there is none."""
    try:
        content = json.loads((home / "spark" / "cluster.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return Cluster(**{**content, "home": Path(content["home"])})


def is_running(pid: int) -> bool:
    """Whether the process lives; one of ours that has ended is reaped on the way."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@contextlib.contextmanager
def running(home: Path, *, port: int | None = None, size: Size | None = None) -> Iterator[Cluster]:
    """A cluster that lives as long as the block."""
    cluster = start(home, port=port or _free_port(), size=size)
    try:
        yield cluster
    finally:
        stop(cluster)


def _master_call(port: int, web_port: int) -> list[str]:
    call = ["spark-class", "org.apache.spark.deploy.master.Master", "--host", HOST]
    return [*call, "--port", str(port), "--webui-port", str(web_port)]


def _thrift_call(cluster: Cluster, url: str, size: Size) -> list[str]:
    state = cluster.state
    settings = {
        "spark.executor.memory": size.executor_memory,
        "spark.executor.cores": size.cores,
        "spark.cores.max": size.workers * size.cores,
        "spark.default.parallelism": size.workers * size.cores,
        "spark.sql.shuffle.partitions": size.shuffle_partitions,
        "spark.sql.warehouse.dir": f"file:{state / 'warehouse'}",
        "spark.sql.catalogImplementation": "in-memory",
        # dbt opens a session per model: each would load and compile all of its classes for itself.
        "spark.sql.artifact.isolation.enabled": "false",
        "spark.local.dir": str(state / "local"),
        "spark.driver.host": HOST,
        "spark.driver.bindAddress": HOST,
        "spark.ui.enabled": "false",
        **(_QUICK if size.quick else {}),
        # The files of a table that is built anew are deleted: what remembers them is short-lived.
        "spark.sql.metadataCacheTTLSeconds": "5",
    }
    call = ["spark-submit", "--class", "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2"]
    call += ["--master", url, "--driver-memory", size.driver_memory]
    for name, value in settings.items():
        call += ["--conf", f"{name}={value}"]
    call += ["spark-internal"]
    for name, value in {
        "hive.server2.thrift.port": cluster.port,
        "hive.server2.thrift.bind.host": HOST,
    }.items():
        call += ["--hiveconf", f"{name}={value}"]
    return call


def _launch(cluster: Cluster, role: str, call: list[str]) -> None:
    """Start one process as the leader of a group of its own, which holds what it starts in turn."""
    import pyspark

    spark_home = Path(pyspark.__file__).resolve().parent
    environment = {
        **os.environ,
        "SPARK_HOME": str(spark_home),
        "SPARK_CONF_DIR": str(Path(__file__).resolve().parent / "conf"),
        "SPARK_LOCAL_IP": HOST,
        "SPARK_NO_DAEMONIZE": "1",
        "SPARK_LOG_DIR": str(cluster.state),
        "TZ": "UTC",
    }
    if role != "thrift":
        # The master and the workers only start what works.
        environment["SPARK_DAEMON_JAVA_OPTS"] = _QUICK_JAVA
    with (cluster.state / f"{role}.log").open("ab") as log:
        process = subprocess.Popen(
            [str(spark_home / "bin" / call[0]), *call[1:]],
            cwd=cluster.state,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    # It is watched and ended by its id, also by calls that did not start it.
    process.returncode = 0
    cluster.processes[role] = process.pid
    cluster.save()


def _wait(cluster: Cluster, role: str, is_ready: object) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    log = cluster.state / f"{role}.log"
    while not is_ready():
        if not is_running(cluster.processes[role]):
            raise ClusterError(f"The {role} stopped while it started; its log is {log}.")
        if time.monotonic() > deadline:
            raise ClusterError(
                f"The {role} was not ready within {_PATIENCE_SECONDS} seconds; its log is {log}."
            )
        time.sleep(0.3)


def _alive_workers(web_port: int) -> int | None:
    """How many workers the master knows as alive; None while it does not answer."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{HOST}:{web_port}/json/", timeout=5) as answer:
            return int(json.load(answer)["aliveworkers"])
    except (OSError, ValueError):
        return None


def _answers(port: int) -> bool:
    """Whether the Thrift server counts rows on a worker."""
    if _is_free(port):
        return False
    from pyhive import hive

    try:
        with contextlib.closing(hive.connect(HOST, port=port, username="warehouse")) as connection:
            cursor = connection.cursor()
            cursor.execute("select count(*) from range(10)")
            return cursor.fetchone() == (10,)
    except Exception:  # whatever the server says while it starts, it is not ready
        return False


def _end(pid: int) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, number)
        deadline = time.monotonic() + _STOP_SECONDS
        while is_running(pid) and time.monotonic() < deadline:
            time.sleep(0.1)


def _java() -> str | None:
    home = os.environ.get("JAVA_HOME")
    if home and (Path(home) / "bin" / "java").exists():
        return str(Path(home) / "bin" / "java")
    return shutil.which("java")


def _is_free(port: int) -> bool:
    with socket.socket() as ours:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            ours.bind((HOST, port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    with socket.socket() as ours:
        ours.bind((HOST, 0))
        return int(ours.getsockname()[1])


def main() -> int:
    """Start, show or stop the cluster of a home."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("verb", choices=["start", "status", "stop"])
    home = os.environ.get("WAREHOUSE_HOME") or REPOSITORY / "var"
    parser.add_argument("--home", type=Path, default=home, help="state of the warehouse")
    parser.add_argument("--port", type=int, default=THRIFT_PORT, help="of the Thrift server")
    parser.add_argument("--workers", type=int, default=Size.workers)
    parser.add_argument("--worker-memory", default=Size.worker_memory)
    parser.add_argument("--executor-memory", default=Size.executor_memory)
    parser.add_argument("--driver-memory", default=Size.driver_memory)
    parser.add_argument("--quick", action="store_true", help="faster with small data")
    given = parser.parse_args()
    home = given.home.resolve()
    found = load(home)
    if given.verb == "start":
        size = Size(
            workers=given.workers,
            worker_memory=given.worker_memory,
            executor_memory=given.executor_memory,
            driver_memory=given.driver_memory,
            quick=given.quick,
        )
        try:
            cluster = start(home, port=given.port, size=size)
        except ClusterError as error:
            print(error, file=sys.stderr)
            return 4
        print(f"Spark is ready: {given.workers} workers, Thrift server on {HOST}:{cluster.port}.")
        print("  build on it:  .venv-spark/bin/warehouse refresh DIR --target spark")
        print("  stop it:      make spark-cluster-stop")
        return 0
    if found is None:
        print(f"No cluster of {home} is running.")
        return 0
    if given.verb == "stop":
        stop(found)
        print("Spark has stopped.")
        return 0
    for role, pid in found.processes.items():
        print(f"{role:10} {pid:8} {'running' if is_running(pid) else 'dead'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
