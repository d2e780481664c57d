#include "CDashboardApp.h"

// #embed is of C23; this compiler has it in every mode, and says so.
#pragma clang diagnostic ignored "-Wc23-extensions"

// A file of the app is two entries: its bytes here, and its place below.

static const unsigned char index_html[] = {
#embed "app/index.html"
};

static const unsigned char app_css[] = {
#embed "app/app.css"
};

static const unsigned char app_js[] = {
#embed "app/app.js"
};

static const unsigned char icon_svg[] = {
#embed "app/icon.svg"
};

#define HTML "text/html; charset=utf-8"
#define CSS "text/css; charset=utf-8"
#define SCRIPT "text/javascript; charset=utf-8"
#define SVG "image/svg+xml"

static const struct dashboard_file files[] = {
    {"/", HTML, index_html, sizeof index_html},
    {"/app.css", CSS, app_css, sizeof app_css},
    {"/app.js", SCRIPT, app_js, sizeof app_js},
    {"/icon.svg", SVG, icon_svg, sizeof icon_svg},
};

struct dashboard_file dashboard_file_at(size_t index) {
    const struct dashboard_file none = {NULL, NULL, NULL, 0};
    return index < sizeof files / sizeof files[0] ? files[index] : none;
}
