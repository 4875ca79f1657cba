#pragma once

namespace millrace::app {

/// What the program's end says to a script; `millrace --help` lists them.
struct ExitCode {
  static constexpr int ok = 0;
  static constexpr int failed = 1;         ///< what was asked could not be done
  static constexpr int usage = 2;          ///< bad command line or bad flow file
  static constexpr int data_folder = 3;    ///< not usable, full, or in use by another process
  static constexpr int listen = 4;         ///< cannot listen on the address given
  static constexpr int interrupted = 130;  ///< stopped at once by a second Ctrl-C
};

}  // namespace millrace::app
