#pragma once
// Words and the POSIX shell: when a word needs one, how a value passes through one unharmed, and
// how any bytes are shown on one line that neither tears nor steers a terminal.
#include <string>
#include <string_view>
#include <vector>

namespace procrun::input {

/// Whether `word`, alone, is a line for the shell and not the name of a program: it holds white
/// space, a quote, or one of `| & ; < > ( ) $ \ * ? [` or a backquote, or begins with `~` or `#`.
/// Braces do not count (`{}` is a placeholder, `{a,b}` is not POSIX), nor `=`, `!` and `%`: an
/// assignment or a built-in is no program, and not finding it says so.
bool needs_shell(std::string_view word);

/// `bytes` as one word of a POSIX shell, byte for byte as GNU parallel writes it, so that job logs
/// agree: bare if made of `[A-Za-z0-9_./+-]` alone, else in single quotes. Round-trips all but NUL,
/// and is never an assignment, a `~` or a pattern. A newline stays one: see display() for people.
std::string quote(std::string_view bytes);

/// The same, appended to `out`.
void append_quoted(std::string& out, std::string_view bytes);

/// `words` as one line for people, and to paste into bash, zsh, ksh or a shell of POSIX 2024:
/// quoted where needed, and in the form `$'…'` where a word holds what printable() escapes.
std::string display(const std::vector<std::string>& words);

/// `text` on one line: control characters (C1 too), line separators, characters that turn the
/// direction of text and what is not UTF-8 become `\n`, `\t`, `\033`…; the rest is kept as it is.
std::string printable(std::string_view text);

}  // namespace procrun::input
