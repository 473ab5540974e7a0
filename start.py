"""Run a command in the project's own environment, which is made on the first call.

    python3 start.py COMMAND [ARGUMENT ...]      for example: python3 start.py dvc repro --pull

`.venv` is made and filled from `requirements.lock` (exact versions, hashes checked) when it is
missing or the lock has changed; otherwise COMMAND starts at once. A set-up that was cut short is
repaired by typing the same command again.

    --gpu    before COMMAND: from now on with the GPU build of TensorFlow (requirements-gpu.lock)
    --cpu    before COMMAND: back to the CPU build

Without start.py: `source .venv/bin/activate`, then type the commands as they are.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import uuid
from contextlib import contextmanager
from pathlib import Path

PROJECT = Path(__file__).resolve().parent
VENV = PROJECT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
STAMP = VENV / "project.json"  # what was installed; written last, so it vouches for all the rest

OLDEST, NEWEST = (3, 11), (3, 13)
LOCKS = {"cpu": "requirements.lock", "gpu": "requirements-gpu.lock"}

# No telemetry, no chatter, no fifteen processes for `mlflow ui`. The user's own values win.
QUIET = {
    "DO_NOT_TRACK": "true",
    "DVC_NO_ANALYTICS": "true",
    "GX_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_WORKERS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "2",
}

# A line that each Python of .venv runs when it starts: `.venv/bin/dvc repro`, called directly,
# then finds the same `python` and the same settings as after an activation.
AT_START = (
    "import os, sys; "
    "b = os.path.dirname(sys.executable); "
    "p = os.environ.get('PATH', os.defpath); "
    "os.environ['PATH'] = p if p.split(os.pathsep)[0] == b else b + os.pathsep + p; "
    f"[os.environ.setdefault(k, v) for k, v in {QUIET!r}.items()]\n"
)

# Asked of the finished environment: where that line goes, and under which name MLflow looks for
# the environment that `mlflow run .` needs (mlflow.projects.backend.local, 3.17).
FACTS = """
import json, pathlib, sysconfig
from mlflow.utils.environment import _PythonEnv
from mlflow.utils.virtualenv import _get_virtualenv_name
name = _get_virtualenv_name(_PythonEnv.from_yaml("python_env.yaml"), pathlib.Path.cwd())
print(json.dumps({"packages": sysconfig.get_path("purelib"), "mlflow": name}))
"""


class SetUpError(Exception):
    """The environment could not be made; the message says why and what helps."""


def main(arguments):
    if sys.version_info[:2] < OLDEST or sys.version_info[:2] > NEWEST:
        return hand_over_to_a_fitting_python(arguments)
    wanted = None
    if arguments and arguments[0] in ("--gpu", "--cpu"):
        wanted, arguments = arguments[0][2:], arguments[1:]
    if not arguments or arguments[0] in ("-h", "--help"):
        print(__doc__.strip())
        return 0 if arguments else 2
    try:
        with one_set_up_at_a_time():
            set_up(wanted)
            let_dvc_work_without_git()
            record_own_data(arguments)
        return run(arguments)
    except SetUpError as error:
        say(str(error))
        return 1


def hand_over_to_a_fitting_python(arguments):
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        if found and subprocess.call([found, "-c", ""], stderr=subprocess.DEVNULL) == 0:
            return subprocess.call([found, __file__, *arguments])
    this = ".".join(str(part) for part in sys.version_info[:3])
    say(
        f"This project needs Python 3.{OLDEST[1]} to 3.{NEWEST[1]}; {sys.executable} is Python "
        f"{this}, and no python3.{OLDEST[1]} ... python3.{NEWEST[1]} is on PATH. Install one of "
        "them and repeat the command with it, for example `python3.12 start.py ...`."
    )
    return 1


def say(text):
    print(f"start.py: {text}", file=sys.stderr, flush=True)


@contextmanager
def one_set_up_at_a_time():
    """Let a second call wait for the first one's set-up (where the system can lock files)."""
    with open(__file__, "rb") as this_file:
        try:
            import fcntl

            fcntl.flock(this_file, fcntl.LOCK_EX)
        except (ImportError, OSError):
            pass
        yield


def set_up(wanted):
    installed = read_stamp()
    build = wanted or installed.get("build", "cpu")
    if build == "gpu" and not sys.platform.startswith("linux"):
        raise SetUpError("TensorFlow's GPU build exists for Linux only; leave --gpu out.")
    due = {"build": build, "venv": str(VENV), "files": hash_files(LOCKS[build])}
    if {key: installed.get(key) for key in due} != due:
        say(f"making {VENV} from {LOCKS[build]}; this happens once and takes a minute or so")
        make_environment(is_fresh=installed.get("build", build) != build)
        install(PROJECT / LOCKS[build])
        facts = ask_environment()
        (Path(facts["packages"]) / "project.pth").write_text(AT_START, encoding="utf-8")
        installed = {**due, "mlflow": facts["mlflow"]}
        write_stamp(installed)
        say("done")
    link_for_mlflow(installed["mlflow"])


def read_stamp():
    try:
        return json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def write_stamp(installed):
    unfinished = STAMP.with_suffix(".part")
    unfinished.write_text(json.dumps(installed, indent=1), encoding="utf-8")
    os.replace(unfinished, STAMP)


def hash_files(lock):
    """Give one hash of everything that decides what is installed."""
    files = (lock, "python_env.yaml", "start.py")
    content = b"".join((PROJECT / name).read_bytes() for name in files)
    return hashlib.sha256(content).hexdigest()


def make_environment(is_fresh):
    """Make an empty `.venv`, or keep the packages of one that works and belongs here."""
    STAMP.unlink(missing_ok=True)
    if not is_fresh and is_usable():
        return
    say(f"creating an environment with {sys.executable} (Python {sys.version.split()[0]})")
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], capture_output=True)
    if made.returncode != 0:
        raise SetUpError(
            f"`{sys.executable} -m venv` failed:\n{made.stdout.decode()}{made.stderr.decode()}"
            "On Debian and Ubuntu, `apt install python3-venv` helps."
        )


def is_usable():
    """Tell whether `.venv` works with pip, was made here (not moved) and for a fitting Python."""
    question = "import pip, sys; print(sys.prefix, sys.version_info[1])"
    try:
        answer = subprocess.run([PYTHON, "-c", question], capture_output=True, text=True)
        activation = (BIN / "activate").read_text(encoding="utf-8")
    except OSError:
        return False
    minors = [str(minor) for minor in range(OLDEST[1], NEWEST[1] + 1)]
    fits = answer.stdout.split()[-1:] and answer.stdout.split()[-1] in minors
    return answer.returncode == 0 and bool(fits) and str(VENV) in activation


def install(lock):
    """Install the lock with uv, some five times faster than pip, or with pip where uv fails."""
    try:
        install_with_uv(lock)
    except (subprocess.CalledProcessError, OSError) as error:
        say(f"uv did not do it ({error}); trying pip, which takes longer")
        pip = [PYTHON, "-m", "pip", "install", "--require-hashes", "-r", lock]
        if subprocess.call(pip) != 0:
            raise SetUpError(
                "installing failed, see above. It needs the network on the first call; repeating "
                "the command goes on where it stopped."
            ) from error


def install_with_uv(lock):
    quiet_pip = [PYTHON, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    with tempfile.TemporaryDirectory() as folder:
        uv_alone = Path(folder) / "uv.lock"
        uv_alone.write_text(cut_out("uv", lock.read_text(encoding="utf-8")), encoding="utf-8")
        subprocess.run([*quiet_pip, "--require-hashes", "-r", uv_alone], check=True)
    uv = [PYTHON, "-m", "uv", "pip", "install", "--python", PYTHON]
    environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    subprocess.run([*uv, "--require-hashes", "-r", lock], check=True, env=environment)


def cut_out(package, lock):
    """Give the lines of one package, its hashes included, from the text of a lock file."""
    lines = lock.splitlines()
    first = next(row for row, line in enumerate(lines) if line.startswith(f"{package}=="))
    last = next(row for row in range(first, len(lines)) if not lines[row].endswith("\\"))
    return "\n".join(lines[first : last + 1]) + "\n"


def ask_environment():
    answer = subprocess.run([PYTHON, "-c", FACTS], capture_output=True, text=True, cwd=PROJECT)
    if answer.returncode != 0:
        raise SetUpError(f"the new environment does not work:\n{answer.stderr}")
    return json.loads(answer.stdout.splitlines()[-1])


def link_for_mlflow(name):
    """Let MLflow find `.venv` where it keeps environments, so `mlflow run .` installs nothing.

    A link that another copy of the project made is taken over: its environment is the same, but
    it may be gone. A real folder is MLflow's own and stays.
    """
    root = Path(os.environ.get("MLFLOW_ENV_ROOT") or Path.home() / ".mlflow" / "envs")
    link = root / name
    try:
        if link.is_symlink() and os.readlink(link) == str(VENV):
            return
        if link.exists() and not link.is_symlink():
            return
        root.mkdir(parents=True, exist_ok=True)
        unfinished = root / f".{name}-{uuid.uuid4().hex}"
        unfinished.symlink_to(VENV, target_is_directory=True)
        os.replace(unfinished, link)
    except OSError as error:
        say(f"`mlflow run .` will need `--env-manager local`: {link} could not be made ({error})")


def record_own_data(arguments):
    """Let DVC take in files that were put into `data/` before it ever fetched the sample.

    `dvc repro --pull` takes later changes of `data/` as they are, but rejects to pass over these.
    """
    if arguments[0] != "dvc" or "--pull" not in arguments or not (PROJECT / "data").exists():
        return
    recorded = re.search(r"md5: (\w\w)(\S+)", (PROJECT / "data.dvc").read_text(encoding="utf-8"))
    cache = PROJECT / ".dvc" / "cache" / "files" / "md5"
    if recorded and not cache.joinpath(*recorded.groups()).exists():
        say("recording your data/ in data.dvc, in place of the sample's")
        subprocess.run(
            [PYTHON, "-m", "dvc", "commit", "-q", "-f", "data.dvc"], cwd=PROJECT, check=False
        )


def let_dvc_work_without_git():
    """Tell DVC where there is no git repository, as in an unpacked ZIP; it stops there else."""
    local = PROJECT / ".dvc" / "config.local"
    has_git = any((folder / ".git").exists() for folder in (PROJECT, *PROJECT.parents))
    knows = local.is_file() and "no_scm" in local.read_text(encoding="utf-8")
    if has_git == knows:
        setting = ["--unset", "core.no_scm"] if has_git else ["core.no_scm", "true"]
        subprocess.run(
            [PYTHON, "-m", "dvc", "config", "-q", "--local", *setting], cwd=PROJECT, check=False
        )
    if not has_git and not knows:
        say(
            "no git repository here, as in an unpacked ZIP: everything works but `dvc exp` and "
            "the commit in MLflow; `git init` and a commit bring them"
        )


def run(arguments):
    environment = {**QUIET, **os.environ, "VIRTUAL_ENV": str(VENV)}
    environment["PATH"] = f"{BIN}{os.pathsep}{environment.get('PATH', os.defpath)}"
    environment.pop("PYTHONHOME", None)
    command = shutil.which(arguments[0], path=environment["PATH"])
    if command is None:
        raise SetUpError(f"{arguments[0]}: no such command, neither in {BIN} nor on PATH")
    if os.name == "nt":  # there, exec would return to the shell before the command ends
        return subprocess.call([command, *arguments[1:]], env=environment)
    return os.execve(command, [command, *arguments[1:]], environment)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
