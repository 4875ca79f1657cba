#include "app/store_place.hpp"

#include <doctest/doctest.h>

using namespace millrace::app;

TEST_CASE("the URL of a store is shown without its password, wherever that stands") {
  CHECK(without_password("postgresql://mill:s3cret@db.example:5432/mill") ==
        "postgresql://mill:***@db.example:5432/mill");
  CHECK(without_password("postgresql://mill:p@ss/w@db/mill") != "postgresql://mill:p@ss/w@db/mill");
  CHECK(without_password("postgres://db/mill?user=mill&password=s3cret&sslmode=require") ==
        "postgres://db/mill?user=mill&password=***&sslmode=require");
  CHECK(without_password("postgres://db:5432/mill?password=s3cret") == "postgres://db:5432/mill?password=***");
  CHECK(without_password("postgresql://db:5432/mill") == "postgresql://db:5432/mill");
  CHECK(without_password("postgresql:///mill?host=/run/postgresql") == "postgresql:///mill?host=/run/postgresql");
}

TEST_CASE("what is no URL of PostgreSQL is not repeated, for it may hold a password") {
  CHECK(fault_of_store_url("postgresql://db/mill").empty());
  CHECK(fault_of_store_url("").empty());
  const auto fault = fault_of_store_url("mysql://mill:s3cret@db/mill");
  CHECK(fault.find("postgresql://") != std::string::npos);
  CHECK(fault.find("s3cret") == std::string::npos);
}
