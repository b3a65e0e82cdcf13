"""The shells complete what the program takes: each is asked as its user would, by the file that the build made."""

import os
import pty
import re
import shutil
import subprocess

import pytest
from vqitest.inspector import program

TIMEOUT = 30
FILES = {"bash": "virtq-inspect.bash", "zsh": "_virtq-inspect", "fish": "virtq-inspect.fish"}


@pytest.fixture(name="made")
def fixture_made():
    """The folder of the program, where the build has put them."""
    folder = program().parent
    assert all((folder / name).exists() for name in FILES.values())
    return folder


def options_of(inspector):
    found = re.findall(r"^  (?:-\w, |    )(--[a-z-]+)", inspector.run("--help").stdout, re.MULTILINE)
    assert len(found) >= 20
    return sorted(found)


class Bash:
    """As readline calls it: words are cut at an equals sign, too."""

    def __init__(self, made):
        self.file = made / FILES["bash"]

    def complete(self, line):
        words = re.findall(r"=|[^ =]+", line) + ([""] if line[-1] in " " else [])
        script = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _virtq_inspect; printf "%s\\n" "${COMPREPLY[@]}"'
        command = ["bash", "--norc", "-c", f"compopt() {{ :; }}; {script}", "bash", self.file, *words]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=TIMEOUT).stdout.split()


class Fish:
    """fish tells by itself what it would offer."""

    def __init__(self, made):
        self.file = made / FILES["fish"]

    def complete(self, line):
        script = "source $argv[1]; complete -C $argv[2]"
        home = {**os.environ, "HOME": "/nonexistent", "TERM": "dumb"}
        command = ["fish", "--no-config", "-c", script, self.file, line]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=TIMEOUT, env=home)
        words = [said.partition("\t")[0] for said in done.stdout.splitlines()]
        return [word.partition("=")[2] if line.split()[-1].endswith("=") else word for word in words]


class Zsh:
    """At a prompt of its own, in a pseudo terminal: what is offered is printed between two marks."""

    # Prints the matches and offers none, in place of a menu.
    SETUP = (
        "PS1=; fpath=({folder} $fpath); autoload -U compinit; compinit -u -D; "
        # With -O, -A or -D nothing is offered yet.
        "compadd() {{ local offered=(); [[ ${{@[1,(i)(-|--)]}} == *-(O|A|D)\\ * ]] || "
        "{{ builtin compadd -O offered \"$@\"; print -rl -- $offered >>$out; }}; builtin compadd \"$@\"; }}; "
        "zle -C offer complete-word tell; tell() {{ _main_complete; compstate[insert]=; compstate[list]=; print END >>$out; }}; "
        "bindkey '^I' offer; out={out}; print READY >>$out\n"
    )

    def __init__(self, made, folder):
        self.out = folder / "offered"
        os.mkfifo(self.out)
        self.reader = os.fdopen(os.open(self.out, os.O_RDWR), encoding="utf-8")
        self.pid, self.terminal = pty.fork()
        if not self.pid:
            os.execvpe("zsh", ["zsh", "-f", "-i"], {**os.environ, "TERM": "dumb", "ZDOTDIR": str(folder)})
        self.type(self.SETUP.format(folder=made, out=self.out))
        self.read_to("READY")

    def type(self, text):
        os.write(self.terminal, text.encode())

    def read_to(self, mark):
        said = []
        for line in self.reader:
            if line.strip() == mark:
                return said
            said.append(line.strip())
        pytest.fail(f"no {mark}: {said}")

    def complete(self, line):
        self.type(f"\x15{line}\t")
        return self.read_to("END")

    def close(self):
        os.close(self.terminal)
        self.reader.close()
        os.waitpid(self.pid, 0)


@pytest.fixture(name="shell", params=FILES)
def fixture_shell(request, made, tmp_path):
    assert shutil.which(request.param)
    if request.param == "zsh":
        zsh = Zsh(made, tmp_path)
        yield zsh
        zsh.close()
    else:
        yield {"bash": Bash, "fish": Fish}[request.param](made)


def test_every_option(shell, inspector):
    offered = {re.sub(r"=-?$", "", word) for word in shell.complete("virtq-inspect --")}
    assert sorted(word for word in offered if word.startswith("--")) == options_of(inspector)


def test_beginning_of_an_option(shell):
    offered = {word.rstrip("=") for word in shell.complete("virtq-inspect --form")}
    assert {word for word in offered if word.startswith("--form")} == {"--format"}


@pytest.mark.parametrize(
    "option, words",
    [
        ("--stop ", {"auto", "never", "always"}),
        ("--stop=", {"auto", "never", "always"}),
        ("--color=", {"auto", "never", "always"}),
        ("--stacks=", {"serving", "all"}),
    ],
)
def test_words_of_a_value(shell, option, words):
    assert {*shell.complete(f"virtq-inspect {option}")} == words


def test_option_without_its_value(shell, inspector):
    """What may stand alone is followed by options."""
    offered = {word.rstrip("=-") for word in shell.complete("virtq-inspect --stacks --ver")}
    assert {word for word in offered if word.startswith("--ver")} == {"--verbose", "--version"}


def test_process(shell, machines):
    vm = machines.start()
    assert str(vm.pid) in shell.complete("virtq-inspect --pid ")


@pytest.mark.parametrize("value", ["{}", "guest={},debug-threads=on", "debug-threads=on,guest={}"])
def test_name(shell, machines, value):
    name = f"completed-{os.getpid()}"
    machines.start("-name", value.format(name))
    assert name in shell.complete("virtq-inspect --name ")


def test_file(shell, tmp_path, monkeypatch):
    if isinstance(shell, Zsh):
        shell.type(f"cd {tmp_path}\n")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "layout.json").touch()
    assert "layout.json" in shell.complete("virtq-inspect --layout lay")
