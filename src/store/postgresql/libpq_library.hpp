#pragma once

#include <libpq-fe.h>

#include "core/result.hpp"

namespace millrace::store::postgresql {

/// libpq, PostgreSQL's client, loaded when a store in PostgreSQL is first opened, as libcurl is (docs/adr/0005): no
/// worker ever does. The members have libpq's own names and signatures.
struct LibpqLibrary {
#define MILLRACE_LIBPQ_FUNCTIONS(X) \
  X(PQconninfoParse)                \
  X(PQconninfoFree)                 \
  X(PQconnectdbParams)              \
  X(PQfinish)                       \
  X(PQstatus)                       \
  X(PQtransactionStatus)            \
  X(PQerrorMessage)                 \
  X(PQdb)                           \
  X(PQhost)                         \
  X(PQport)                         \
  X(PQsetNoticeProcessor)           \
  X(PQexec)                         \
  X(PQexecParams)                   \
  X(PQresultStatus)                 \
  X(PQresultErrorField)             \
  X(PQcmdStatus)                    \
  X(PQcmdTuples)                    \
  X(PQntuples)                      \
  X(PQnfields)                      \
  X(PQftype)                        \
  X(PQgetisnull)                    \
  X(PQgetvalue)                     \
  X(PQgetlength)                    \
  X(PQunescapeBytea)                \
  X(PQfreemem)                      \
  X(PQclear)

#define MILLRACE_LIBPQ_MEMBER(name) decltype(&::name) name = nullptr;
  MILLRACE_LIBPQ_FUNCTIONS(MILLRACE_LIBPQ_MEMBER)
#undef MILLRACE_LIBPQ_MEMBER

  /// Once for the process. Error::unsupported names the package to install.
  static Result<const LibpqLibrary*> load();
};

}  // namespace millrace::store::postgresql
