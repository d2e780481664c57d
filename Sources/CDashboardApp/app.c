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

static const unsigned char icon_svg[] = {
#embed "app/icon.svg"
};

static const unsigned char main_js[] = {
#embed "app/main.js"
};

static const unsigned char charts_js[] = {
#embed "app/charts.js"
};

static const unsigned char cron_js[] = {
#embed "app/cron.js"
};

static const unsigned char dom_js[] = {
#embed "app/dom.js"
};

static const unsigned char finder_js[] = {
#embed "app/finder.js"
};

static const unsigned char form_js[] = {
#embed "app/form.js"
};

static const unsigned char format_js[] = {
#embed "app/format.js"
};

static const unsigned char functions_js[] = {
#embed "app/functions.js"
};

static const unsigned char json_js[] = {
#embed "app/json.js"
};

static const unsigned char live_js[] = {
#embed "app/live.js"
};

static const unsigned char log_js[] = {
#embed "app/log.js"
};

static const unsigned char logs_js[] = {
#embed "app/logs.js"
};

static const unsigned char map_js[] = {
#embed "app/map.js"
};

static const unsigned char metrics_js[] = {
#embed "app/metrics.js"
};

static const unsigned char now_js[] = {
#embed "app/now.js"
};

static const unsigned char queues_js[] = {
#embed "app/queues.js"
};

static const unsigned char records_js[] = {
#embed "app/records.js"
};

static const unsigned char request_js[] = {
#embed "app/request.js"
};

static const unsigned char requests_js[] = {
#embed "app/requests.js"
};

static const unsigned char settings_js[] = {
#embed "app/settings.js"
};

static const unsigned char state_js[] = {
#embed "app/state.js"
};

static const unsigned char streams_js[] = {
#embed "app/streams.js"
};

static const unsigned char triggers_js[] = {
#embed "app/triggers.js"
};

static const unsigned char ui_js[] = {
#embed "app/ui.js"
};

#define HTML "text/html; charset=utf-8"
#define CSS "text/css; charset=utf-8"
#define SCRIPT "text/javascript; charset=utf-8"
#define SVG "image/svg+xml"

static const struct dashboard_file files[] = {
    {"/", HTML, index_html, sizeof index_html},
    {"/app.css", CSS, app_css, sizeof app_css},
    {"/icon.svg", SVG, icon_svg, sizeof icon_svg},
    {"/main.js", SCRIPT, main_js, sizeof main_js},
    {"/charts.js", SCRIPT, charts_js, sizeof charts_js},
    {"/cron.js", SCRIPT, cron_js, sizeof cron_js},
    {"/dom.js", SCRIPT, dom_js, sizeof dom_js},
    {"/finder.js", SCRIPT, finder_js, sizeof finder_js},
    {"/form.js", SCRIPT, form_js, sizeof form_js},
    {"/format.js", SCRIPT, format_js, sizeof format_js},
    {"/functions.js", SCRIPT, functions_js, sizeof functions_js},
    {"/json.js", SCRIPT, json_js, sizeof json_js},
    {"/live.js", SCRIPT, live_js, sizeof live_js},
    {"/log.js", SCRIPT, log_js, sizeof log_js},
    {"/logs.js", SCRIPT, logs_js, sizeof logs_js},
    {"/map.js", SCRIPT, map_js, sizeof map_js},
    {"/metrics.js", SCRIPT, metrics_js, sizeof metrics_js},
    {"/now.js", SCRIPT, now_js, sizeof now_js},
    {"/queues.js", SCRIPT, queues_js, sizeof queues_js},
    {"/records.js", SCRIPT, records_js, sizeof records_js},
    {"/request.js", SCRIPT, request_js, sizeof request_js},
    {"/requests.js", SCRIPT, requests_js, sizeof requests_js},
    {"/settings.js", SCRIPT, settings_js, sizeof settings_js},
    {"/state.js", SCRIPT, state_js, sizeof state_js},
    {"/streams.js", SCRIPT, streams_js, sizeof streams_js},
    {"/triggers.js", SCRIPT, triggers_js, sizeof triggers_js},
    {"/ui.js", SCRIPT, ui_js, sizeof ui_js},
};

struct dashboard_file dashboard_file_at(size_t index) {
    const struct dashboard_file none = {NULL, NULL, NULL, 0};
    return index < sizeof files / sizeof files[0] ? files[index] : none;
}
