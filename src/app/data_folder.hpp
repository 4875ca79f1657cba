#pragma once

#include <string>

#include "core/result.hpp"

namespace millrace::app {

/// A data folder that this process, and no other, uses:
///
///   DATA/lock          held with flock(2) while in use; says whose it is
///   DATA/control.sock  the operators' door of a running platform
///   DATA/broker/       the broker's log
class DataFolder {
 public:
  enum class Missing { create, fail };

  /// Error::conflict names the process that uses it; permission, io and not_found name the folder and the mend.
  static Result<DataFolder> open(const std::string& path, Missing missing);
  /// Where the operators' door of the folder is, whether or not anybody has it open.
  static std::string control_socket(const std::string& path);

  DataFolder(DataFolder&& other) noexcept;
  DataFolder& operator=(DataFolder&&) = delete;
  /// Gives the folder free.
  ~DataFolder();

  std::string broker_folder() const { return path_ + "/broker"; }
  std::string control_socket() const { return control_socket(path_); }

 private:
  DataFolder(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}
  std::string path_;
  int lock_;
};

}  // namespace millrace::app
