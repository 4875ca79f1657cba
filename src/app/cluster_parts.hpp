#pragma once

#include <functional>
#include <memory>
#include <string>

#include <boost/json/array.hpp>

#include "app/commands.hpp"
#include "app/data_folder.hpp"
#include "cluster/change_watch.hpp"
#include "cluster/membership.hpp"
#include "cluster/turns.hpp"
#include "core/result.hpp"
#include "credentials/oauth2/refresher.hpp"
#include "credentials/shelf.hpp"
#include "deployment/deployments.hpp"
#include "deployment/startups.hpp"
#include "io/posix/loop.hpp"
#include "store/store.hpp"

namespace millrace::app {

/// Whether this platform is one of several on its store, and its store is opened for that.
store::Sharing sharing_of(const ServeOptions& options);

/// What a platform has that is one of several on one store (docs/members.md): its membership, and what it hears of the
/// others' changes. Loop and store outlive it.
class ClusterParts {
 public:
  /// Joins the members, as --member or, if that is not given, by the host's name and an id of the data folder's.
  static Result<std::unique_ptr<ClusterParts>> join(io::posix::AsioLoop& loop, store::Store& store,
                                                    const ServeOptions& options, const DataFolder& folder);

  /// What follows the others from now on; all of it outlives this, or stop() is called before it ends.
  struct Followers {
    deployment::Deployments& deployments;
    deployment::Startups& startups;
    credentials::Shelf& shelf;
    credentials::oauth2::Refresher& logins;
  };
  void follow(Followers followers);
  /// For GET /v1/members.
  boost::json::array report() const;

  cluster::Membership membership;

 private:
  ClusterParts(io::posix::AsioLoop& loop, store::Store& store, cluster::Membership::Settings settings);

  cluster::ChangeWatch changes_;
  cluster::Turns turns_;
};

}  // namespace millrace::app
