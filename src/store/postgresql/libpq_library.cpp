#include "store/postgresql/libpq_library.hpp"

#include <string>

#include <dlfcn.h>

namespace millrace::store::postgresql {
namespace {

Result<LibpqLibrary> load_library() {
  void* handle = ::dlopen("libpq.so.5", RTLD_LAZY | RTLD_LOCAL);
  if (handle == nullptr) {
    return Error{Error::Kind::unsupported,
                 std::string("libpq cannot be loaded: ") + ::dlerror() + " (install the package libpq5)"};
  }
  LibpqLibrary library;
#define MILLRACE_LIBPQ_LOAD(name)                                                  \
  library.name = reinterpret_cast<decltype(library.name)>(::dlsym(handle, #name)); \
  if (library.name == nullptr) {                                                   \
    return Error{Error::Kind::unsupported, "libpq is too old: it has no " #name};  \
  }
  MILLRACE_LIBPQ_FUNCTIONS(MILLRACE_LIBPQ_LOAD)
#undef MILLRACE_LIBPQ_LOAD
  return library;
}

}  // namespace

Result<const LibpqLibrary*> LibpqLibrary::load() {
  static const Result<LibpqLibrary> library = load_library();
  if (!library) return library.error();
  return &*library;
}

}  // namespace millrace::store::postgresql
