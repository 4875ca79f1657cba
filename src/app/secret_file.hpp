#pragma once

#include <string>

#include "core/result.hpp"

namespace millrace::app {

enum class Readers {
  owner_only,  ///< others may not read it: Error::permission names the file and the mend
  any,
};

/// A small file's text as it stands. Error::not_found, Error::io.
Result<std::string> read_secret_file(const std::string& path, Readers readers);

/// Replaces the file as a whole, synced, readable by its owner only (mode 0600).
Status write_secret_file(const std::string& path, const std::string& text);

}  // namespace millrace::app
