"""A small synchronous QMP client."""

import json
import time

from .channel import Channel


class QmpError(Exception):
    def __init__(self, command, error):
        super().__init__(f"{command}: {error.get('desc')} ({error.get('class')})")
        self.error = error


class Qmp:
    def __init__(self, path, timeout=60):
        self._channel = Channel(path, "QMP")
        self._next_id = 0
        self._last = None
        self.events = []
        self.greeting = self._read(timeout)["QMP"]
        self.execute("qmp_capabilities", timeout=timeout)

    def close(self):
        self._channel.close()

    def _read(self, timeout):
        return json.loads(self._channel.read_line(timeout))

    def execute(self, command, arguments=None, *, timeout=30, **more):
        """The result of a command. An argument whose name is no Python word goes into the dictionary."""
        self.begin(command, arguments, **more)
        return self.end(command, timeout)

    def begin(self, command, arguments=None, **more):
        """Without waiting for its end: end() does."""
        self._next_id += 1
        request = {"execute": command, "id": self._next_id}
        if arguments or more:
            request["arguments"] = {**(arguments or {}), **more}
        self._last = json.dumps(request).encode() + b"\n"
        self._channel.send(self._last)

    def end(self, command, timeout=30):
        """The result of the command that was begun last."""
        deadline = time.monotonic() + timeout
        while True:
            answer = self._read(deadline - time.monotonic())
            if "event" in answer:
                self.events.append(answer)
            elif "QMP" in answer:
                self._channel.send(self._last)  # who connects early may be greeted twice, and was not heard before
            elif answer.get("id", self._next_id) != self._next_id:
                continue  # the late answer to a command that we gave up waiting for
            elif "error" in answer:
                raise QmpError(command, answer["error"])
            else:
                return answer["return"]

    def hmp(self, line, timeout=30):
        return self.execute("human-monitor-command", {"command-line": line}, timeout=timeout)

    def wait_event(self, name, timeout=30):
        """The first event of that name which was not waited for yet."""
        deadline = time.monotonic() + timeout
        while True:
            for event in self.events:
                if event["event"] == name:
                    self.events.remove(event)
                    return event
            answer = self._read(deadline - time.monotonic())
            if "event" in answer:
                self.events.append(answer)
