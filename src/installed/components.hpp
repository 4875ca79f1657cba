#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "component/action.hpp"
#include "installed/installation.hpp"

namespace millrace::installed {

/// The installed components of a data folder, and their triggers and actions in the catalogue that flows are read by.
///
///   DATA/components/NAME/          one of them (Installation)
///   DATA/components/.new-…/        one that is being installed, or was when the power went
///   DATA/components/.old-…/        one that is being removed
///
/// A component appears and goes with one rename(2): after a crash it is there whole, or not at all. Reading needs no
/// lock; add, remove and sweep are for the one process that has the data folder open. Thread: the loop's.
class Components {
 public:
  /// Both outlive it. Nothing is read yet.
  Components(std::string data_folder, component::Catalogue& catalogue);

  /// Takes all that is there into the catalogue. One that cannot be read is in problems() and harms no other.
  void load();
  /// "NAME: why", of those that are there and cannot be used.
  const std::vector<std::string>& problems() const { return problems_; }

  const std::map<std::string, Installation, std::less<>>& all() const { return all_; }
  const Installation* find(std::string_view name) const;
  /// Error::conflict: a component of that name is here or built in.
  Status is_free(std::string_view name, bool replace) const;

  /// A new folder for what is being installed: ".new-…".
  Result<std::string> make_staging();
  /// Makes a staging folder, which holds all a component needs and is on stable storage (sync_folder), the component of
  /// that name. One that it replaces is left as ".old-…".
  Result<const Installation*> add(const std::string& name, const std::string& staging, bool replace);
  /// Leaves its files as ".old-…". Error::not_found.
  Status remove(const std::string& name);

  const std::string& folder() const { return folder_; }

 private:
  std::string folder_;
  component::Catalogue& catalogue_;
  std::map<std::string, Installation, std::less<>> all_;
  std::vector<std::string> problems_;
};

// What may take its time, with a folder of components; from any thread.

/// All that was written to the folder's file system is on stable storage when this returns.
Status sync_folder(const std::string& folder);
/// Deletes what was removed.
void delete_removed(const std::string& components);
/// Deletes what was removed, and what was being installed when the power went. Nothing else may be at work there.
void sweep(const std::string& components);

}  // namespace millrace::installed
