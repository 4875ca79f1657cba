#pragma once

#include <string>

#include "core/result.hpp"

namespace millrace::app {

/// A data folder that this process, and no other, uses:
///
///   DATA/lock          held with flock(2) while in use; says whose it is
///   DATA/control.sock  the operators' door of a running platform
///   DATA/broker/       the broker's log
///   DATA/containers.json  ContainerRecord; once a worker was wanted as a container
///   DATA/store.db      flows, versions, tokens, audit (SQLite, with its -wal and -shm)
///   DATA/store.place   instead of it where they are in PostgreSQL: where that is
///   DATA/history/      what passed each step, as long as it is kept
///   DATA/objects/      what installed components have put into the object storage
///   DATA/objects.key   the secret that its tokens are made from, and the passwords of what is in it; as private
///   DATA/admin.token   the first token of the API, readable by its owner only
///   DATA/credentials.key  the key that credentials are sealed with, where none is configured; as private
///   DATA/member.id     a part of the name that it has among platforms that share a store
///   DATA/vhosts/NAME/  those of further virtual hosts, percent-encoded
class DataFolder {
 public:
  enum class Missing { create, fail };

  /// Error::conflict names the process that uses it; permission, io and not_found name the folder and the mend.
  static Result<DataFolder> open(const std::string& path, Missing missing);
  DataFolder(DataFolder&& other) noexcept;
  DataFolder& operator=(DataFolder&&) = delete;
  /// Gives the folder free.
  ~DataFolder();

  std::string broker_folder() const { return path_ + "/broker"; }
  /// Made if it is not there.
  Result<std::string> history_folder() const;
  std::string objects_folder() const { return path_ + "/objects"; }
  std::string objects_key_file() const { return path_ + "/objects.key"; }
  std::string store_file() const { return path_ + "/store.db"; }
  std::string foreign_store_note() const { return path_ + "/store.place"; }
  std::string first_token_file() const { return path_ + "/admin.token"; }
  std::string credential_key_file() const { return path_ + "/credentials.key"; }
  std::string member_file() const { return path_ + "/member.id"; }
  /// The log of a virtual host other than "/"; made if it is not there.
  Result<std::string> host_folder(const std::string& host) const;
  std::string container_record() const { return path_ + "/containers.json"; }
  /// A path for bind(2) that fits into its 107 characters however long the folder's is.
  std::string control_socket() const;

 private:
  DataFolder(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}
  std::string path_;
  int lock_;
  int folder_ = -1;  ///< the folder itself, for its short name below /proc/self/fd
};

}  // namespace millrace::app
