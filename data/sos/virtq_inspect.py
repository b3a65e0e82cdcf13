# SPDX-License-Identifier: GPL-2.0-or-later
# A plugin for sos 4.x: to be put with its other plugins, sos/report/plugins below Python's packages.

from sos.report.plugins import Plugin, IndependentPlugin, DebianPlugin


# sos 4.0 on Debian passes over what is for any system.
class VirtqInspect(Plugin, IndependentPlugin, DebianPlugin):

    short_desc = 'Virtqueues of running QEMUs, and what is stuck'

    plugin_name = 'virtq_inspect'
    profiles = ('system', 'virt')
    commands = ('virtq-inspect',)
    plugin_timeout = 180

    def setup(self):
        # A machine on which something hangs is no place to wait, nor to
        # stop anything. Guest data and command lines are in neither.
        look = 'virtq-inspect --all --stop=never --requests --stacks'
        for fmt in ('text', 'json'):
            self.add_cmd_output(
                '%s --format=%s' % (look, fmt),
                suggest_filename='virtq-inspect.%s' % fmt,
                timeout=60
            )

# vim: set et ts=4 sw=4 :
