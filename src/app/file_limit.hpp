#pragma once

namespace millrace::app {

/// As many open files as the system lets us have, up to 65,536: each client, webhook caller and worker needs some.
void raise_file_limit();

}  // namespace millrace::app
