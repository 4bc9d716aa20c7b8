# SPDX-License-Identifier: Apache-2.0
"""A program of tests/text that answers each line of JSON with a line of JSON: krait_tokenize_lines, krait_grammar_lines."""
import json
import subprocess
import sys


class LineProcess:
    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"the program ended with {self.process.wait()} at {str(request)[:300]}")
        return json.loads(line)
