#pragma once

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include <doctest/doctest.h>
#include <unistd.h>

#include "io/loop.hpp"
#include "store/postgresql/connection.hpp"
#include "store/store.hpp"

namespace millrace::tests {

/// A place for a store: a file, or in the PostgreSQL that tests/postgresql/server.py has started a schema of its own.
struct StorePlace {
  StorePlace() {
    char name[] = "/tmp/millrace-store-XXXXXX";
    path = ::mkdtemp(name);
    where = path + "/store.db";
    const char* server = std::getenv("MILLRACE_TEST_POSTGRESQL");
    if (server == nullptr) return;
    static int places = 0;
    const std::string schema = "place_" + std::to_string(::getpid()) + "_" + std::to_string(++places);
    auto connection = store::postgresql::PostgresqlConnection::open(server);
    if (!connection) FAIL(connection.error().message);
    if (const auto made = (*connection)->execute("CREATE SCHEMA " + schema, {}); !made) FAIL(made.error().message);
    where = std::string(server) + "?options=-csearch_path%3D" + schema;
  }
  ~StorePlace() { std::filesystem::remove_all(path); }
  StorePlace(const StorePlace&) = delete;
  StorePlace& operator=(const StorePlace&) = delete;

  std::unique_ptr<store::Store> open(io::Offload& offload, store::Sharing sharing = store::Sharing::alone) const {
    auto opened = store::Store::open(offload, where, sharing);
    if (!opened) FAIL(opened.error().message);
    return std::move(*opened);
  }

  std::string path;
  std::string where;
};

}  // namespace millrace::tests
