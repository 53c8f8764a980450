"""The PyTorch side of a benchmark: answers one JSON request a line on stdin with one JSON reply a line on stdout.

Requests name a function of the modules beside this file: {"module": "network_step", "function": "prepare", "arguments": {...}}.
The benchmark asks for one measured step at a time, so that PyTorch's steps and the engine's alternate.
"""

import importlib
import json
import sys

import torch

replies = sys.stdout
sys.stdout = sys.stderr  # a library that prints must not break the protocol


def reply(message):
    replies.write(json.dumps(message) + '\n')
    replies.flush()


reply({'version': torch.__version__.split('+')[0]})
for line in sys.stdin:
    request = json.loads(line)
    try:
        function = getattr(importlib.import_module(request['module']), request['function'])
        reply({'result': function(**request.get('arguments', {}))})
    except Exception as error:
        reply({'error': f'{type(error).__name__}: {error}'})
