"""Real editors, without a screen, where they are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from resspec.source import Source
from resspec.syntax.format import lay_out
from tests.limits import HANGS
from tests.texts import chain

WRONG = chain("conv 3x3, 16 -> rleu -> fc 10")
RIGHT = lay_out(Source("a.res", WRONG.replace("rleu", "relu")))
COMMAND = [sys.executable, "-m", "resspec", "lsp"]

NEOVIM = """
local function said(text) io.stdout:write(text .. "\\n") end
local function until_true(what) return vim.wait(%d, what, 50) end

vim.cmd("edit " .. vim.fn.fnameescape(vim.env.SPEC))
local id = vim.lsp.start_client({ name = "resspec", cmd = %s, root_dir = vim.fn.getcwd() })
vim.lsp.buf_attach_client(0, id)
local function problems() return vim.diagnostic.get(0) end

until_true(function() return #problems() > 0 end)
said("problem: " .. problems()[1].code .. " at " .. problems()[1].lnum .. ":" .. problems()[1].col)
local position = { line = problems()[1].lnum, character = problems()[1].col - 10 }
local params = { textDocument = vim.lsp.util.make_text_document_params(), position = position }
local answer = vim.lsp.buf_request_sync(0, "textDocument/hover", params, %d)
said("hover: " .. vim.split(answer[id].result.contents.value, "\\n")[2])

local line = vim.api.nvim_buf_get_lines(0, 1, 2, false)[1]
vim.api.nvim_buf_set_lines(0, 1, 2, false, { (line:gsub("rleu", "relu")) })
until_true(function() return #problems() == 0 end)
said("left: " .. #problems())
vim.lsp.buf.formatting_sync({}, %d)
vim.cmd("write")
vim.cmd("quitall!")
"""

EMACS = """
(require 'eglot)
(define-derived-mode resspec-mode prog-mode "resspec")
(add-to-list 'auto-mode-alist '("\\\\.res\\\\'" . resspec-mode))
(add-to-list 'eglot-server-programs '(resspec-mode . %s))
(find-file (getenv "SPEC"))
(let ((eglot-sync-connect t)) (apply #'eglot (eglot--guess-contact)))
(flymake-mode 1)
(with-timeout (%d (message "problem: none"))
  (while (not (flymake-diagnostics)) (flymake-start) (accept-process-output nil 0.2))
  (message "problem: %%s" (flymake-diagnostic-text (car (flymake-diagnostics)))))
(goto-char (point-min))
(search-forward "rleu")
(replace-match "relu")
(eglot-format-buffer)
(save-buffer)
(kill-emacs 0)
"""


def environment(spec: Path) -> dict[str, str]:
    root = Path(__file__).parent.parent.parent
    return os.environ | {"SPEC": str(spec), "PYTHONPATH": str(root), "HOME": str(spec.parent)}


@pytest.mark.skipif(not shutil.which("nvim"), reason="Neovim is not installed")
def test_neovim_shows_a_mistake_hovers_and_formats(tmp_path: Path) -> None:
    spec = tmp_path / "a.res"
    spec.write_text(WRONG)
    words = "{" + ", ".join(f"{word!r}" for word in COMMAND) + "}"
    milliseconds = 1000 * HANGS
    script = tmp_path / "try.lua"
    script.write_text(NEOVIM % (milliseconds, words, milliseconds, milliseconds))
    command = ["nvim", "--headless", "-u", "NONE", "-n", "-c", f"luafile {script}"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env=environment(spec),
        capture_output=True,
        timeout=2 * HANGS,
        check=False,
    )
    said = (done.stdout + done.stderr).decode()
    assert "problem: E0201 at 1:46" in said, said
    assert "hover: conv 3x3, 16" in said, said
    assert "left: 0" in said, said
    assert spec.read_text() == RIGHT


@pytest.mark.skipif(not shutil.which("emacs"), reason="Emacs is not installed")
def test_eglot_of_emacs_shows_a_mistake_and_formats(tmp_path: Path) -> None:
    spec = tmp_path / "a.res"
    spec.write_text(WRONG)
    script = tmp_path / "try.el"
    words = "(" + " ".join(f'"{word}"' for word in COMMAND) + ")"
    script.write_text(EMACS % (words, HANGS))
    command = ["emacs", "--batch", "-l", str(script)]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env=environment(spec),
        capture_output=True,
        timeout=2 * HANGS,
        check=False,
    )
    said = (done.stdout + done.stderr).decode()
    if "Cannot open load file" in said:
        pytest.skip("Emacs has no eglot")
    assert "no layer or block is called `rleu`" in said, said
    assert spec.read_text() == RIGHT
