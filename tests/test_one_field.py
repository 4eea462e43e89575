"""One more field in an option class is an option everywhere: in the help of the command, the studio, the table."""
import os
import subprocess
import sys

import dev

# The class is replaced before anything else is imported, as an edit of the source would.
CODE = '''
import sys
from dataclasses import dataclass
from pathlib import Path
import swapkit.options as o

@dataclass(frozen=True, kw_only=True)
class SwapOptions(o.SwapOptions):
    """What the swapped face looks like."""
    glow: float = o.option(.25, "How much the face glows.", low=0, high=2, widget='slider', short='-g')

o.SwapOptions, o.OPTIONS = SwapOptions, (SwapOptions, *o.OPTIONS[1:])
o.split_flat.__defaults__ = (SwapOptions(), *o.split_flat.__defaults__[1:])
from click.testing import CliRunner
from swapkit.apps.cli import cli
from swapkit.option_tables import options_table
from swapkit.apps.studio import studio

shown = ' '.join(CliRunner().invoke(cli, ['swap', '--help']).output.split())
assert '-g, --glow 0..2 How much the face glows. [default: 0.25]' in shown, shown
wrong = CliRunner().invoke(cli, ['swap', 't.mp4', '-s', 'a', '-o', 'o.mp4', '--glow', '3'])
assert wrong.exit_code==2 and '3.0 is not a number from 0 to 2' in wrong.output, wrong.output
assert '| `glow` | `0.25` | a number from 0 to 2 | How much the face glows. |' in options_table(SwapOptions)
app = studio(sys.argv[1], 'cpu')
knob = app.controls['glow']
assert (knob.value, knob.min, knob.max, knob.tooltip)==(.25, 0, 2, "How much the face glows.")
knob.value = 1.
assert app.s.plan.options=={'glow': 1.}
'''


def test_one_field_is_an_option_everywhere(tmp_path):
    done = subprocess.run([sys.executable, '-c', CODE, str(tmp_path/'studio')], capture_output=True, text=True,
                          cwd=dev.ROOT, env={**os.environ, 'PYTHONPATH': str(dev.ROOT)})
    assert done.returncode==0, done.stderr[-2000:]
