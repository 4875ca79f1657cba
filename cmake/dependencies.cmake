# Debian 12 packages; why each one and not its rivals: docs/dependencies.md.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
set(Boost_USE_STATIC_LIBS ON)
find_package(Boost 1.81 REQUIRED COMPONENTS json url)
find_package(CURL REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(yaml-cpp REQUIRED)
find_library(YAML_CPP_STATIC NAMES libyaml-cpp.a REQUIRED)  # static: workers never touch it
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(pcre2 REQUIRED IMPORTED_TARGET libpcre2-8)
find_path(DOCTEST_INCLUDE doctest/doctest.h REQUIRED)
# Of Abseil only the time zones, statically: workers never touch them.
set(ABSL_TIME_STATIC)
foreach(part time civil_time time_zone strings strings_internal int128 base spinlock_wait throw_delegate
    raw_logging_internal log_severity)
  find_library(ABSL_${part}_STATIC NAMES libabsl_${part}.a REQUIRED)
  list(APPEND ABSL_TIME_STATIC ${ABSL_${part}_STATIC})
endforeach()
# libpq is loaded when a store in PostgreSQL is opened; only its header is needed.
find_path(LIBPQ_INCLUDE libpq-fe.h PATH_SUFFIXES postgresql REQUIRED)
