#pragma once
// A shell with job control on a terminal, for the tests of who stands in its foreground.
#include <sstream>

#include "program.h"

namespace procrun::test {

/// The words of /proc/PID/stat behind the name.
inline Words stat_words(const std::string& stat) {
  Words words;
  std::istringstream rest{stat.substr(stat.rfind(')') + 2)};
  for (std::string word; rest >> word;) words.push_back(word);
  return words;
}

inline std::string group_of_process(const std::string& stat) { return stat_words(stat).at(2); }
/// The process group in the foreground of its terminal.
inline std::string foreground_of(const std::string& stat) { return stat_words(stat).at(5); }

/// A shell with job control on a terminal of its own, which does not echo.
class Shell {
 public:
  Shell() : shell_{start({"bash", "--norc", "--noprofile", "--noediting", "-i"}, options())} {
    terminal_.close_slave();
    type("stty -echo; echo o''k");
    read_until("ok\n");
  }
  /// Types a line; `procrun` in it stands for the program.
  void type(std::string line) const {
    const std::string word = "procrun";
    if (const auto at = line.find(word); at != std::string::npos) {
      line.replace(at, word.size(), kProcrun);
    }
    terminal_.type(line + "\n");
  }
  void press(char key) const { terminal_.type(std::string_view{&key, 1}); }
  std::string read_until(const std::string& text) { return terminal_.read_until(text); }
  /// The code of the last command.
  std::string code() {
    type("echo c''ode $?.");
    read_until("code ");
    const std::string text = read_until(".\n");
    return text.substr(0, text.size() - 2);
  }
  /// Waits until all that the shell has started is stopped.
  void await_all_stopped() const {
    REQUIRE(eventually([&] {
      const auto all = descendants_of(shell_.pid());
      return all.size() >= 2 && std::all_of(all.begin(), all.end(), [](pid_t pid) {
               return status_of(pid, "State").starts_with("T");
             });
    }));
  }
  /// Waits until it has put a job in the foreground: what it says comes before that.
  void await_foreground_job() const {
    REQUIRE(eventually([&] {
      const std::string stat = read_file("/proc/" + number(shell_.pid()) + "/stat");
      return foreground_of(stat) != number(shell_.pid());
    }));
  }
  ~Shell() { terminal_.type("exit\nexit\n"); }

 private:
  Options options() const {
    Options options = on_terminal(terminal_);
    options.env = {"PS1=", "HISTFILE="};
    return plain(options);
  }

  Terminal terminal_;
  Running shell_;
};

inline constexpr char kCtrlC = '\x03';
inline constexpr char kCtrlD = '\x04';
inline constexpr char kCtrlZ = '\x1a';

}  // namespace procrun::test
