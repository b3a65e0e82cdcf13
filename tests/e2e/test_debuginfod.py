"""Debug information from a debuginfod server, and servers that do not have it, are gone or never answer."""

import functools
import socket
import threading

import odd_qemus
import pytest
from odd_qemus import OddQemu
from oracle import healthy_source
from vqitest import InstalledQemu
from vqitest.debuginfod import Debuginfod, free_port

DEVICES = ("-device", "virtio-balloon-pci,id=balloon0", "-device", "virtio-rng-pci,id=rng0")


@pytest.fixture(autouse=True)
def caches(inspector, tmp_path, monkeypatch):
    """Of the tool and of debuginfod's client, both empty."""
    monkeypatch.setitem(inspector.env, "XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setitem(inspector.env, "DEBUGINFOD_CACHE_PATH", str(tmp_path / "client"))


@pytest.fixture
def ask(inspector, monkeypatch):
    def ask(*urls):
        monkeypatch.setitem(inspector.env, "DEBUGINFOD_URLS", " ".join(urls))

    return ask


@pytest.fixture(scope="module")
def debug_file(tmp_path_factory):
    return odd_qemus.split(tmp_path_factory.mktemp("served") / "qemu.debug")


@pytest.fixture
def server(debug_file, tmp_path):
    with Debuginfod(debug_file.parent, tmp_path / "served.sqlite") as server:
        yield server


@pytest.fixture
def empty_server(tmp_path):
    folder = tmp_path / "nothing"
    folder.mkdir()
    with Debuginfod(folder, tmp_path / "nothing.sqlite") as server:
        yield server


@pytest.fixture
def silent_url():
    """Of a server that takes every connection and never says a word."""
    taken = []

    def take():
        while True:
            try:
                taken.append(listener.accept()[0])
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=take)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        assert taken, "nobody asked it"
        assert taken, "nobody asked it"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    for connection in taken:
        connection.close()


@pytest.fixture
def stripped(machines, tmp_path):
    """Our QEMU without debug information and symbols."""
    return machines.start(*DEVICES, kind=OddQemu, executable=odd_qemus.strip(tmp_path / "stripped"), qtest=True)


@pytest.fixture
def stock(machines):
    return machines.start(*DEVICES, kind=InstalledQemu)


@pytest.fixture
def unheard_of(machines, tmp_path):
    """A QEMU of a series of which there is no profile, and without a device to derive a layout from."""
    executable = odd_qemus.of_another_build(odd_qemus.strip(tmp_path / "unheard-of"), "1.0.1")
    return machines.start(kind=OddQemu, executable=executable, qtest=True)


@pytest.fixture
def source(inspector):
    return functools.partial(healthy_source, inspector)


def test_server_has_it(source, stripped, ask, server, tmp_path):
    """The debug file comes over the network, once; what it told is kept, and then no server is needed."""
    ask(server.url)
    assert source(stripped, "--no-cache") == "debuginfod"
    assert list((tmp_path / "client").rglob("debuginfo")), "its client keeps the file, where it was told to"
    assert not (tmp_path / "cache").exists()
    assert source(stripped) == "debuginfod"
    server.stop()
    assert source(stripped) == "cache"


def test_the_next_server_has_it(source, stripped, ask, empty_server, server):
    ask(f"http://127.0.0.1:{free_port()}", empty_server.url, server.url)
    assert source(stripped) == "debuginfod"
    ask()
    assert source(stripped) == "cache"


@pytest.mark.parametrize("lack", ["refuses", "has it not"])
def test_server_is_of_no_use(source, stock, ask, empty_server, lack):
    """The profile that comes with the tool does, as without a server."""
    ask(empty_server.url if lack == "has it not" else f"http://127.0.0.1:{free_port()}")
    assert source(stock) == "profile"


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("refuses", "Connection refused"),
        ("has it not", "no server has it"),
        ("never answers", "given up, as a server is too slow"),
    ],
)
def test_nothing_is_left(request, inspector, unheard_of, ask, monkeypatch, fault, said):
    """What is missing is said, the debug information of this very build, and what was wrong with the server; by --check, too."""
    monkeypatch.setitem(inspector.env, "DEBUGINFOD_TIMEOUT", "1")
    if fault == "refuses":
        url = f"http://127.0.0.1:{free_port()}"
    elif fault == "has it not":
        url = request.getfixturevalue("empty_server").url
    else:
        url = request.getfixturevalue("silent_url")
    ask(url)
    stderr = inspector.fails("--pid", unheard_of.pid, status=3)
    server = f"debuginfod ({url}): {said}: no debug information for "
    assert stderr.startswith(f"virtq-inspect: {server}")
    checked = inspector.run("--pid", unheard_of.pid, "--check").stdout
    assert f"debuginfod   -   {server}" in checked
    assert f"build-id {odd_qemus.build_id(f'/proc/{unheard_of.pid}/exe')}" in stderr
    assert "no layout profile fits" in stderr and "none can be derived" in stderr


def test_server_never_answers(source, stock, ask, silent_url, monkeypatch, inspector):
    """debuginfod's own patience ends, and the profile does."""
    monkeypatch.setitem(inspector.env, "DEBUGINFOD_TIMEOUT", "1")
    ask(silent_url)
    assert source(stock) == "profile"
