# SPDX-License-Identifier: Apache-2.0
"""The package in processes of its own: their ends, signals, fork(), other libraries, no numpy."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from krait._c.loader import library_path

TIMEOUT = 60


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-X", "faulthandler", "-c", code], capture_output=True, text=True, timeout=TIMEOUT,
                          env={**os.environ, **environment}, check=False)


@pytest.mark.parametrize("code", [
    "m = krait.demo(); s = m.session(); e = m.engine(); r = e.submit('x', max_tokens=-1)",
    "m = krait.demo(); next(m.stream('x'))",
    "m = krait.demo(); e = m.engine(); r = e.submit('x', max_tokens=-1); next(iter(r)); e.close(); m.close()",
    "krait.set_log(lambda *a: None); m = krait.demo(); g = m; g.cycle = g",
    "import threading; m = krait.demo()\n"
    "def work():\n    while True: m.generate('x', max_tokens=5)\n"
    "[threading.Thread(target=work, daemon=True).start() for _ in range(3)]; import time; time.sleep(0.3)",
    "import threading; m = krait.demo(); e = m.engine()\n"
    "def work():\n    e.submit('x', max_tokens=-1, stop_tokens=[]).answer()\n"
    "[threading.Thread(target=work, daemon=True).start() for _ in range(3)]; import time; time.sleep(0.3)",
    "import threading; m = krait.demo(); s = m.session()\n"
    "threading.Thread(target=lambda: s.read([5] * 200_000), daemon=True).start(); import time; time.sleep(0.2); raise SystemExit(0)",
], ids=["all kinds", "stream", "closed", "cycle", "daemons", "waiting daemons", "long call"])
def test_the_end_of_a_process(code: str) -> None:
    for _ in range(3):
        done = run("import krait\n" + code)
        assert (done.returncode, done.stderr) == (0, "")


INTERRUPTED = {
    "generate": "m.generate('x', max_tokens=10**9)",
    "grammar": "m.generate('x', max_tokens=10**9, regex='[a-z]*')",
    "long prompt": "m.session().read([5] * 10**7)",
    "engine": "m.engine().submit('x', max_tokens=-1, stop_tokens=[]).answer()",
    "perplexity": "m.perplexity('It was a fine morning. ' * 10**6)",
    "asyncio": "import asyncio; asyncio.run(m.stream('x', max_tokens=10**9).async_answer())",
}


@pytest.mark.parametrize("what", INTERRUPTED)
def test_control_c(what: str) -> None:
    code = f"import krait; m = krait.demo(); print('now', flush=True)\ntry:\n    {INTERRUPTED[what]}\nexcept KeyboardInterrupt:\n    " \
           "print('interrupted', m.generate('The', max_tokens=3), flush=True)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None and process.stdout.readline() == "now\n"
            time.sleep(0.5)
            started = time.monotonic()
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=TIMEOUT)
        finally:
            process.kill()  # where it did not end
    assert out.startswith("interrupted") and err == "" and process.returncode == 0
    assert time.monotonic() - started < 20


def test_fork() -> None:
    done = run("import krait, os\nm = krait.demo(); s = m.session(); s.read([5]); text = m.generate('x', max_tokens=5)\n"
               "if os.fork() == 0:\n"
               "    try: s.read([6]); os._exit(1)\n"
               "    except krait.ClosedError as e: assert 'fork' in str(e)\n"
               "    m.close(); os._exit(0 if krait.demo().generate('x', max_tokens=5) == text else 2)\n"
               "assert os.wait()[1] == 0; s.read([6])")
    assert (done.returncode, done.stderr) == (0, "")


def test_multiprocessing_takes_a_model_by_its_name() -> None:
    done = run("import krait, pickle\nm = pickle.loads(pickle.dumps(krait.demo(device='cpu:threads=1'))); print(m.device)")
    assert done.stdout.startswith("cpu") and done.returncode == 0


def test_without_numpy() -> None:
    done = run("import sys; sys.modules['numpy'] = None\nimport krait\nm = krait.demo(); s = m.session(); s.read([5])\n"
               "assert m.generate('x', max_tokens=3) and len(s.logits_view().tolist()) == 4096\n"
               "try: s.logits()\nexcept ImportError as e: print(e)")
    assert "pip install krait[numpy]" in done.stdout and done.returncode == 0


def test_libraries_that_cannot_be(tmp_path: Path) -> None:
    assert "there is no" in run("import krait", KRAIT_LIBRARY=str(tmp_path / "none.so")).stderr
    (tmp_path / "bad.so").write_bytes(b"no library")
    assert "cannot be loaded" in run("import krait", KRAIT_LIBRARY=str(tmp_path / "bad.so")).stderr
    copy = tmp_path / library_path().name
    shutil.copy(library_path(), copy)
    second = run(f"import ctypes; ctypes.CDLL({str(copy)!r})\nimport krait")
    assert "ImportError" in second.stderr and str(copy) in second.stderr and "second libkrait" in second.stderr
    alone = run("import krait\ntry: krait.demo()\nexcept krait.UnavailableError as e: print(e)\nexcept krait.NotFoundError as e: print(e)",
                KRAIT_LIBRARY=str(copy))
    assert "plugin" in alone.stdout


def test_command_line() -> None:
    done = subprocess.run([sys.executable, "-m", "krait", "--version"], capture_output=True, text=True, check=True)
    import krait
    assert krait.__version__ in done.stdout
    served = subprocess.run([sys.executable, "-m", "krait.server", "--help"], capture_output=True, text=True, check=True)
    assert "krait serve" in served.stdout
    assert subprocess.run([sys.executable, "-m", "krait", "run", "--nonsense"], capture_output=True, check=False).returncode == 2


INTERRUPTS = """
import krait, os, random, signal, threading, time
m = krait.demo(); s = m.session(); random.seed(1); failed = []; interrupted = 0
def interrupt(after):
    time.sleep(after)
    os.kill(os.getpid(), signal.SIGINT)
def use():
    try:
        s.length()
    except krait.KraitError as error:
        failed.append(error)
for _ in range(150):
    try:
        threading.Thread(target=interrupt, args=(random.random() * 0.02,)).start()
        end = time.monotonic() + 1
        while time.monotonic() < end:  # Python drops an interrupt that it raises where garbage is collected
            s.reset(); s.generate('x', max_tokens=3); m.generate('y', max_tokens=2)
    except KeyboardInterrupt:
        interrupted += 1
    other = threading.Thread(target=use)
    other.start(); other.join()
print(len(failed), interrupted > 120, m.generate('x', max_tokens=3) == m.generate('x', max_tokens=3))
"""


def test_interrupts_anywhere() -> None:
    """Nothing stays in use, wherever between two instructions KeyboardInterrupt was raised."""
    started = time.monotonic()
    done = run(INTERRUPTS)
    assert (done.returncode, done.stdout) == (0, "0 True True\n"), done.stderr
    assert time.monotonic() - started < 50
