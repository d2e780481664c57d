import NetServer
import Primitives

/// Reads the YAML form, a `workers:` list, into the sections of the TOML form.
///
/// Sections of the TOML form may stand beside the list. Values keep the place and the name under
/// which they were written, so that what is found wrong later is told in the author's own terms.
struct WorkersForm {
    private(set) var findings = Findings()
    private var root: Setting
    /// The entry that each built-in worker was first listed by.
    private var seen: [String: (name: String, place: Place)] = [:]

    /// The sections that `yaml` describes, and what is wrong with it.
    static func translate(_ yaml: Setting, findings: inout Findings) -> Setting {
        var form = WorkersForm(root: Setting(value: .table([]), place: yaml.place, name: ""))
        form.translate(yaml)
        findings.append(form.findings)
        return form.root
    }

    private init(root: Setting) { self.root = root }

    private mutating func translate(_ yaml: Setting) {
        guard isTable(yaml, named: "the file", or: "a table") else { return }
        let lists = ["workers", "modules"]
        let allowed = lists + ["registration_namespace_grace_ms"] + Configuration.sections
        for entry in yaml.entries {
            if Configuration.sections.contains(entry.key) {
                root.set(entry.key, to: entry.setting)
            } else if !allowed.contains(entry.key) {
                findings.unknownKey(entry, in: nil, allowed: allowed)
            }
        }
        if let grace = yaml["registration_namespace_grace_ms"] {
            putMilliseconds(grace, "engine.registration_namespace_grace")
        }
        for key in lists {
            guard let list = yaml[key] else { continue }
            switch list.value {
            case .array(let elements): for element in elements { translate(worker: element) }
            case .null: continue
            default: findings.mismatch(.type, list, mustBe: "a list of workers")
            }
        }
    }

    private mutating func translate(worker: Setting) {
        guard isTable(worker, named: worker.name, or: "a table with a name") else { return }
        let allowed = ["name", "config", "image"]
        for entry in worker.entries where !allowed.contains(entry.key) && entry.key != "class" {
            findings.unknownKey(entry, in: worker.name, allowed: allowed)
        }
        guard let name = name(of: worker) else { return }
        guard let form = WorkerForm.named(name) else {
            return translate(unknown: name, worker["name"] ?? worker)
        }
        if let image = worker["image"] {
            let message = "\(name) is built in and takes no image"
            findings.error(.conflict, at: image.place, message)
        }
        if name == WorkerForm.workerManager.names[0], seen[name] != nil {
            return translate(furtherListener: worker)
        }
        guard isFirst(name, of: form, at: worker.place) else { return }
        if let config = worker["config"] { translate(config.renamed(to: name), of: form, name) }
    }

    /// Of several listeners for workers the first is the engine's own.
    private mutating func translate(furtherListener worker: Setting) {
        var form = WorkersForm(root: worker.replaced(by: .table([])))
        if let config = worker["config"] {
            let name = WorkerForm.workerManager.names[0]
            form.translate(config.renamed(to: name), of: .workerManager, name)
        }
        findings.append(form.findings)
        var listener = form.root["engine"] ?? form.root
        if listener["address"] == nil {
            let address = "\(Configuration.WorkerListener().address)"
            listener.set("address", to: worker.replaced(by: .string(address)))
        }
        var listeners: [Setting] = []
        if case .array(let earlier)? = root["worker_listener"]?.value { listeners = earlier }
        root.set("worker_listener", to: worker.replaced(by: .array(listeners + [listener])))
    }

    private mutating func name(of worker: Setting) -> String? {
        if let name = worker["name"] {
            if case .string(let text) = name.value, !text.isEmpty { return text }
            findings.mismatch(.type, name, mustBe: "the name of a worker")
        } else if let named = worker["class"] {
            if case .string(let text) = named.value, let name = WorkerForm.name(ofClass: text) {
                return name
            }
            let known = "the class of a module, such as \"modules::queue::QueueModule\""
            findings.mismatch(.value, named, mustBe: known)
        } else {
            findings.error(.conflict, at: worker.place, "\(worker.name) needs \"name\"")
        }
        return nil
    }

    private mutating func translate(unknown name: String, _ setting: Setting) {
        if WorkerForm.silent.contains(name) { return }
        if WorkerForm.absent.contains(name) {
            let message = "worker \"\(name)\" is ignored: this engine does not have it"
            return findings.warning(at: setting.place, message)
        }
        let near = Suggestion.nearest(to: name, in: WorkerForm.knownNames)
        if name.hasPrefix("iii-") {
            let phrase = Suggestion.phrase(for: name, in: WorkerForm.knownNames)
            let message = "unknown worker \"\(name)\"\(phrase)"
            findings.error(.unknownKey, at: setting.place, message)
        } else {
            let meant = near.map { "; did you mean \"\($0)\"?" } ?? ""
            let message = "worker \"\(name)\" is not built in and is not started\(meant)"
            findings.warning(at: setting.place, message)
        }
    }

    /// False, and a finding, where the worker is listed already.
    private mutating func isFirst(_ name: String, of form: WorkerForm, at place: Place) -> Bool {
        guard let first = seen[form.names[0]] else {
            seen[form.names[0]] = (name, place)
            return true
        }
        if first.name == name {
            let message = "\(name) is listed already at \(first.place); this entry is ignored"
            findings.warning(at: place, message)
        } else {
            let message = "\(name) and \(first.name) at \(first.place) are the same worker"
            findings.error(.conflict, at: place, message)
        }
        return false
    }

    private mutating func translate(_ config: Setting, of form: WorkerForm, _ name: String) {
        if config.value == .null { return }
        guard isTable(config, named: name, or: "a table of settings") else { return }
        for entry in config.entries {
            guard let meaning = form.keys[entry.key] else {
                findings.unknownKey(entry, in: name, allowed: form.keys.keys.sorted())
                continue
            }
            translate(entry.setting, meaning)
        }
        if let listener = form.listener { translate(config, listener) }
        if form.names == WorkerForm.exec.names { translateProcess(config) }
    }

    private mutating func translate(_ setting: Setting, _ meaning: WorkerForm.Meaning) {
        switch meaning {
        case .same(let path): put(setting, path)
        case .optional(let path): if setting.value != .null { put(setting, path) }
        case .atLeastOne(let path):
            put(setting.value == .integer(0) ? setting.replaced(by: .integer(1)) : setting, path)
        case .milliseconds(let path): putMilliseconds(setting, path)
        case .listener, .process: break
        case .queues: translateQueues(setting)
        case .outbound: translateOutbound(setting)
        case .entries: translateEntries(setting)
        case .seconds(let path):
            guard case .integer(let number) = setting.value, number >= 0 else {
                return findings.mismatch(.type, setting, mustBe: "a whole number of seconds")
            }
            put(setting.replaced(by: .string("\(number)s")), path)
        case .none:
            findings.warning(at: setting.place, "\(setting.name) has no effect in this engine")
        case .unsupported(let peril):
            // An empty list of rules asks for nothing.
            if [.array([]), .null].contains(setting.value) { return }
            let message = "\(setting.name) is not supported by this engine: \(peril)"
            findings.error(.unsupported, at: setting.place, message)
        }
    }

    private mutating func translate(_ config: Setting, _ listener: WorkerForm.Listener) {
        guard let setting = config["port"] ?? config["host"] else { return }
        var host = listener.fallback.host
        var port = listener.fallback.port
        if let written = config["host"] {
            guard case .string(let text) = written.value,
                let address = ListenAddress(host: text, port: 0, bracketed: false)
            else { return findings.mismatch(.value, written, mustBe: "a host name or address") }
            host = address.host
        }
        if let written = config["port"] {
            guard case .integer(let number) = written.value, let exact = UInt16(exactly: number)
            else {
                return findings.mismatch(.value, written, mustBe: "an integer from 0 to 65535")
            }
            port = exact
        }
        let address = ListenAddress(host: host, port: port)
        put(setting.replaced(by: .string("\(address)")), "\(listener.section).address")
    }

    private mutating func translateQueues(_ setting: Setting) {
        if setting.value == .null { return }
        guard isTable(setting, named: setting.name, or: "a table of queues") else { return }
        for named in setting.entries { translate(queue: named.key, named.setting) }
    }

    private mutating func translate(queue key: String, _ setting: Setting) {
        var queue = setting.replaced(by: .table([]))
        let name = setting.name
        if setting.value != .null, !isTable(setting, named: name, or: "a table of settings") {
            return
        }
        for entry in setting.entries {
            switch WorkerForm.queueKeys[entry.key] {
            case .same(let key): queue.set(key, to: entry.setting)
            case .milliseconds(let key):
                if let span = milliseconds(entry.setting) { queue.set(key, to: span) }
            case .some(let meaning): translate(entry.setting, meaning)
            case nil:
                let allowed = WorkerForm.queueKeys.keys.sorted()
                findings.unknownKey(entry, in: name, allowed: allowed)
            }
        }
        put(queue, ["queue", "queues", key])
    }

    /// A block without a list of hosts allows none (protocol 8), which its author may not expect.
    private mutating func translateOutbound(_ setting: Setting) {
        if setting.value == .null { return }
        guard isTable(setting, named: setting.name, or: "a table of settings") else { return }
        for entry in setting.entries {
            if WorkerForm.outboundKeys.contains(entry.key) {
                put(entry.setting, ["http_functions", entry.key])
            } else {
                findings.unknownKey(entry, in: setting.name, allowed: WorkerForm.outboundKeys)
            }
        }
        guard setting["url_allowlist"] == nil else { return }
        put(setting.replaced(by: .array([])), "http_functions.url_allowlist")
        let message = "\(setting.name) has no url_allowlist and lets functions reach no host"
        findings.warning(at: setting.place, message)
    }

    /// `fs` has the entries in files; what this engine keeps itself needs no adapter.
    private mutating func translateEntries(_ setting: Setting) {
        if setting.value == .null { return }
        guard isTable(setting, named: setting.name, or: "a table of settings") else { return }
        guard setting["name"].map({ $0.value == .string("fs") }) ?? true else {
            return findings.warning(
                at: setting.place,
                "\(setting.name) has no effect in this engine, which keeps entries in its log"
            )
        }
        let directory = setting["config"]?["directory"] ?? setting["directory"]
        put(directory ?? setting.replaced(by: .string("config")), "configuration.directory")
    }

    /// The commands of one exec worker are a pipeline of shell lines: all but the last must succeed
    /// in turn, and the last one stays. It has the engine's environment, and is not started again
    /// by its end (services 2, E.1).
    private mutating func translateProcess(_ config: Setting) {
        guard let setting = config["exec"] else {
            let message = "\(config.name) needs \"exec\", a list of commands"
            return findings.error(.conflict, at: config.place, message)
        }
        guard case .array(let elements) = setting.value, !elements.isEmpty else {
            return findings.mismatch(.type, setting, mustBe: "a list of commands")
        }
        var lines: [String] = []
        for element in elements {
            guard case .string(let line) = element.value, !line.isEmpty else {
                return findings.mismatch(.type, element, mustBe: "a command")
            }
            lines.append(line)
        }
        var process = config.replaced(by: .table([]))
        let words = Self.pipeline(lines).map { setting.replaced(by: .string($0)) }
        process.set("name", to: setting.replaced(by: .string("iii-exec")))
        process.set("command", to: setting.replaced(by: .array(words)))
        process.set("restart", to: setting.replaced(by: .string("never")))
        let all = setting.replaced(by: .array([setting.replaced(by: .string("*"))]))
        process.set("inherit_env", to: all)
        if let watch = config["watch"], watch.value != .null { process.set("watch", to: watch) }
        put(config.replaced(by: .array([process])), ["exec"])
    }

    /// The shell's place is taken by the last line's, so that it is what is told to end.
    private static func pipeline(_ lines: [String]) -> [String] {
        let steps = lines.dropLast().map { "(\($0)\n) && " }.joined()
        let last = lines[lines.count - 1]
        return steps.isEmpty
            ? ["sh", "-c", last] : ["sh", "-c", "\(steps)exec sh -c \"$0\"", last]
    }

    private mutating func putMilliseconds(_ setting: Setting, _ path: String) {
        if let span = milliseconds(setting) { put(span, path) }
    }

    private mutating func milliseconds(_ setting: Setting) -> Setting? {
        guard case .integer(let number) = setting.value, number >= 0 else {
            findings.mismatch(.type, setting, mustBe: "a whole number of milliseconds")
            return nil
        }
        return setting.replaced(by: .string("\(number)ms"))
    }

    private mutating func put(_ setting: Setting, _ path: String) {
        put(setting, path.split(separator: ".").map(String.init))
    }

    private mutating func put(_ setting: Setting, _ path: [String]) {
        if let older = root.insert(setting, at: path[...]) {
            let message = "\(setting.name) is set already by \(older.name) at \(older.place)"
            findings.error(.conflict, at: setting.place, message)
        }
    }

    private mutating func isTable(
        _ setting: Setting,
        named name: String,
        or expectation: String
    ) -> Bool {
        if setting.isTable { return true }
        let message = "\(name) must be \(expectation), is \(setting.shown)"
        findings.error(.type, at: setting.place, message)
        return false
    }
}

extension Setting {
    fileprivate func replaced(by value: Value) -> Setting {
        Setting(value: value, place: place, name: name)
    }

    /// The same setting under another name, with all that it contains.
    fileprivate func renamed(to name: String) -> Setting {
        let value: Value =
            switch value {
            case .table(let entries):
                .table(
                    entries.map { entry in
                        let child = entry.setting.renamed(to: "\(name).\(entry.key)")
                        return Entry(key: entry.key, setting: child)
                    }
                )
            case .array(let elements):
                .array(
                    elements.enumerated().map { $0.element.renamed(to: "\(name)[\($0.offset)]") }
                )
            default: value
            }
        return Setting(value: value, place: place, name: name)
    }

    /// Puts `setting` at `path`, with the tables on the way there; returns what stands there
    /// already, and then changes nothing.
    fileprivate mutating func insert(_ setting: Setting, at path: ArraySlice<String>) -> Setting? {
        guard let key = path.first else { return nil }
        if path.count == 1 {
            if let older = self[key] { return older }
            set(key, to: setting)
            return nil
        }
        let fresh = Setting(value: .table([]), place: setting.place, name: key)
        var child = self[key] ?? fresh
        if child.value == .null { child = fresh }
        guard child.isTable else { return child }
        let older = child.insert(setting, at: path.dropFirst())
        set(key, to: child)
        return older
    }
}
