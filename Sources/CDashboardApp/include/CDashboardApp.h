#pragma once

#include <stddef.h>

// The dashboard's web app, carried in the binary: the files of `app/` as they are.

struct dashboard_file {
    /// Where it is served, as `/app.css`.
    const char *path;
    /// For the Content-Type header.
    const char *type;
    const unsigned char *bytes;
    size_t count;
};

/// The file at `index`; its `path` is NULL behind the last one.
struct dashboard_file dashboard_file_at(size_t index);
