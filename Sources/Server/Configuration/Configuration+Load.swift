import AccessControl
package import JSON
import Primitives

extension Configuration {
    /// What the command line and the process's surroundings say about the configuration.
    package struct Sources: Sendable {
        /// `--config`; nil looks for `iii.toml` and `config.yaml` in the working directory.
        package var file: String?
        /// Every `--set`, in order; a later one wins.
        package var settings: [String]
        /// `--data`.
        package var data: String?
        /// A worker process beside those of the file: its program and arguments; empty: none.
        package var command: [String] = []
        package var environment: [String: String]
        /// Absolute. Paths of flags and variables start here. Nil: it is gone.
        package var workingDirectory: String?

        package init(
            file: String? = nil,
            settings: [String] = [],
            data: String? = nil,
            environment: [String: String],
            workingDirectory: String?
        ) {
            self.file = file
            self.settings = settings
            self.data = data
            self.environment = environment
            self.workingDirectory = workingDirectory
        }
    }

    /// A configuration that may be used, and what its user should know.
    package struct Loaded: Equatable, Sendable {
        package let configuration: Configuration
        /// The file that was read, as the user would name it; nil where there was none.
        package let file: String?
        /// Where that is, absolute.
        let path: String?
        package let warnings: [ConfigurationWarning]
        /// Every setting in force.
        package let effective: [EffectiveSetting]
    }

    /// One setting in force.
    package struct EffectiveSetting: Equatable, Sendable {
        /// The full dotted key.
        package let key: String
        /// The value as TOML.
        package let value: String
        /// Where it was set; nil where it is the default.
        package let place: Place?
    }

    /// Reads the file, then the environment, then the flags; each wins over the one before.
    ///
    /// Throws everything that is wrong, not only the first: an unreadable file, a text that is
    /// neither TOML nor YAML, unset variables, wrong keys, types and values. `version` is the
    /// engine's, for `${NAME:__III_ENGINE_VERSION__}`.
    package static func load(
        from sources: Sources,
        version: String
    ) throws(ConfigurationErrors) -> Loaded {
        var findings = Findings()
        let file = ConfigurationFile.find(sources, findings: &findings)
        var root = Setting(value: .table([]), place: .file("", line: 0), name: "")
        if let file {
            root = file.parse(sources.environment, version: version, findings: &findings) ?? root
        }
        // Without a tree there is nothing to say about keys.
        try findings.check()

        var overrides = Overrides(over: root)
        overrides.apply(variables: sources.environment)
        for flag in sources.settings { overrides.apply(flag: flag) }
        if let data = sources.data { overrides.apply(data: data) }
        findings.append(overrides.findings)

        var decoder = ConfigurationDecoder()
        var found = decoder.decode(overrides.result)
        findings.append(decoder.findings)
        try findings.check()

        found.observability.check(sources.environment, &findings)
        found.checkAddresses(decoder.origins, &findings)
        found.resolvePaths(decoder.origins, sources, file, &findings)
        if !sources.command.isEmpty {
            if let directory = sources.workingDirectory {
                let one = Exec(sources.command, in: directory, beside: found.exec)
                found.exec.append(one)
            } else {
                findings.error(.value, at: .flag("--"), "has nowhere to run: \(Self.goneDirectory)")
            }
        }
        try findings.check()
        return Loaded(
            configuration: found,
            file: file?.name,
            path: file?.path,
            warnings: findings.warnings,
            effective: found.effective(origins: decoder.origins)
        )
    }

    /// Makes every path absolute: those of variables and flags start in the working directory, the
    /// others in the file's, or there where there is no file.
    private mutating func resolvePaths(
        _ origins: [String: Place],
        _ sources: Sources,
        _ file: ConfigurationFile?,
        _ findings: inout Findings
    ) {
        let fileDirectory = file.map { Self.directory(of: $0.path) } ?? sources.workingDirectory
        func resolve(_ path: inout String, _ key: String) {
            let directory =
                switch origins[key] {
                case .variable?, .flag?: sources.workingDirectory
                case .file?, nil: fileDirectory
                }
            if let directory { return path = Self.absolute(path, from: directory) }
            guard !path.hasPrefix("/") else { return }
            let place = origins[key] ?? .flag(key)
            findings.error(.value, at: place, "\(quoted(path)) is nowhere: \(Self.goneDirectory)")
        }
        func resolveOptional(_ path: inout String?, _ key: String) {
            guard var found = path else { return }
            resolve(&found, key)
            path = found
        }
        resolve(&engine.data, "engine.data")
        resolveOptional(&security.tokenFile, "security.token_file")
        resolveOptional(&entries.directory, "configuration.directory")
        resolveOptional(&httpFunctions.caFile, "http_functions.ca_file")
        resolveOptional(&http.tlsCertificate, "http.tls_certificate")
        resolveOptional(&http.tlsKey, "http.tls_key")
        for index in exec.indices { resolve(&exec[index].directory, "exec[\(index)].directory") }
    }

    /// Why a relative path leads nowhere.
    static let goneDirectory = "the directory that this was started in is gone"

    /// `path` itself where it is absolute, else the path that it means in `directory`.
    static func absolute(_ path: String, from directory: String) -> String {
        if path.hasPrefix("/") { return path }
        var relative = path[...]
        while relative.hasPrefix("./") { relative = relative.dropFirst(2).drop { $0 == "/" } }
        if relative.isEmpty || relative == "." { return directory }
        return directory.hasSuffix("/") ? directory + relative : "\(directory)/\(relative)"
    }

    static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
        return String(path[..<slash])
    }
}

extension Configuration.EffectiveSetting {
    /// The value, which is written as TOML and reads as JSON; what does not is its text. A secret
    /// is not shown.
    package var json: JSONText {
        do throws(JSONError) {
            let text = try JSONText(validating: Array(value.utf8))
            return text.stringValue == "***" ? JSONText(string: "[REDACTED]") : text
        } catch {
            return JSONText(string: value)
        }
    }
}

extension Configuration {
    /// Every setting and its value; `origins` has where those were set that have a place.
    func effective(origins: [String: Place] = [:]) -> [EffectiveSetting] {
        var settings: [EffectiveSetting] = []
        func show<Section>(_ path: String, _ section: Section, _ fields: [Field<Section>]) {
            for field in fields {
                guard let value = field.show(section) else { continue }
                let key = "\(path).\(field.key)"
                let place = origins[key] ?? Self.rivals[key].flatMap { origins[$0] }
                settings.append(EffectiveSetting(key: key, value: value, place: place))
            }
        }
        func showRules(_ path: String, _ rules: RoleRules?) {
            if let rules { show("\(path).rbac", rules, Self.rbacFields) }
        }
        show("engine", engine, Engine.fields)
        show("http", http, HTTP.fields)
        show("stream", stream, Stream.fields)
        show("queue", queue, Queue.fields)
        for (name, queue) in queue.queues.sorted(by: { $0.key < $1.key }) {
            show("queue.queues.\(name)", queue, FunctionQueue.fields)
        }
        show("cron", cron, Cron.fields)
        show("state", state, State.fields)
        show("configuration", entries, Entries.fields)
        show("observability", observability, Observability.fields)
        show("log", log, Log.fields)
        show("security", security, Security.fields)
        show("http_functions", httpFunctions, HTTPFunctions.fields)
        showRules("engine", engine.access.rbac)
        for (index, one) in workerListeners.enumerated() {
            show("worker_listener[\(index)]", one, WorkerListener.fields)
            showRules("worker_listener[\(index)]", one.access.rbac)
        }
        for (index, one) in exec.enumerated() { show("exec[\(index)]", one, Exec.fields) }
        return settings
    }
}
