// swift-tools-version: 6.3
import PackageDescription

// The list of targets is the whole permission to import: Tests/TidyTests holds the sources to it.
// Layers and reasons: Sources/README.md.

// Bugs planted on purpose (Primitives/Mutant.swift) are compiled in for `make mutants` only.
let plantsMutants = Context.environment["III_MUTANTS"] != nil

// The program of `make fuzz` links libFuzzer, which only a build with a sanitizer has.
let fuzzes = Context.environment["III_FUZZ"] != nil

let settings: [SwiftSetting] =
    [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .treatAllWarnings(as: .error),
    ] + (plantsMutants ? [.define("MUTANTS")] : [])

func module(_ name: String, path: String? = nil, _ dependencies: [Target.Dependency]) -> Target {
    .target(
        name: name,
        dependencies: dependencies,
        path: path ?? "Sources/\(name)",
        swiftSettings: settings
    )
}

func service(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    module(name, path: "Sources/Services/\(name)", dependencies)
}

func program(
    _ name: String,
    path: String? = nil,
    exclude: [String] = [],
    _ dependencies: [Target.Dependency]
) -> Target {
    .executableTarget(
        name: name,
        dependencies: dependencies,
        path: path ?? "Sources/\(name)",
        exclude: exclude,
        swiftSettings: settings
    )
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioWebSocket: Target.Dependency = .product(name: "NIOWebSocket", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
let nioHTTP2: Target.Dependency = .product(name: "NIOHTTP2", package: "swift-nio-http2")
let nioHPACK: Target.Dependency = .product(name: "NIOHPACK", package: "swift-nio-http2")
let arguments: Target.Dependency = .product(
    name: "ArgumentParser",
    package: "swift-argument-parser"
)
let deque: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")
let heap: Target.Dependency = .product(name: "HeapModule", package: "swift-collections")

let package = Package(
    name: "iii",
    products: [
        .library(name: "IIISDK", targets: ["IIISDK"]),
        .executable(name: "iii", targets: ["iii"]),
        .executable(name: "iii-log", targets: ["iii-log"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio.git", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", exact: "2.37.6"),
        .package(url: "https://github.com/apple/swift-nio-http2.git", exact: "1.46.0"),
        .package(url: "https://github.com/apple/swift-argument-parser.git", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections.git", exact: "1.6.0"),
        .package(url: "https://github.com/LebJe/TOMLKit.git", exact: "0.6.0"),
        .package(url: "https://github.com/jpsim/Yams.git", exact: "6.2.2"),
    ],
    targets: [
        // 1
        module("Primitives", []),
        module("JSON", ["Primitives"]),
        module("CommandLineKit", ["Primitives", "JSON", arguments]),
        .systemLibrary(
            name: "CLiburing",
            path: "Sources/CLiburing",
            pkgConfig: "liburing",
            providers: [.apt(["liburing-dev"])]
        ),
        .systemLibrary(
            name: "CZstd",
            path: "Sources/CZstd",
            pkgConfig: "libzstd",
            providers: [.apt(["libzstd-dev"])]
        ),
        .systemLibrary(
            name: "CXXHash",
            path: "Sources/CXXHash",
            pkgConfig: "libxxhash",
            providers: [.apt(["libxxhash-dev"])]
        ),
        .systemLibrary(
            name: "CSodium",
            path: "Sources/CSodium",
            pkgConfig: "libsodium",
            providers: [.apt(["libsodium-dev"])]
        ),
        .target(name: "CPlatform", path: "Sources/CPlatform"),
        .target(name: "CDashboardApp", path: "Sources/CDashboardApp", exclude: ["app"]),
        // 2
        module("RecordFormat", ["Primitives", "CPlatform", "CZstd", "CXXHash"]),
        module("Disk", ["Primitives", "CLiburing", "CPlatform"]),
        module("WorkerProtocol", ["Primitives", "JSON"]),
        module(
            "NetServer",
            [
                "Primitives", nioCore, nioPosix, nioHTTP1, nioWebSocket, nioTLS, nioSSL, nioHTTP2,
                nioHPACK,
            ]
        ),
        // 3
        module("CommitLog", ["Primitives", "RecordFormat", "Disk"]),
        module("Events", ["Primitives", "RecordFormat"]),
        module(
            "IIISDK",
            ["Primitives", "WorkerProtocol", "JSON", nioCore, nioPosix, nioHTTP1, nioWebSocket]
        ),
        module("Channels", ["Primitives", "NetServer", nioCore]),
        // 4
        service("Queue", ["Primitives", "RecordFormat", "Events", "JSON", deque, heap]),
        service("State", ["Primitives", "RecordFormat", "Events", "JSON", deque, heap]),
        service("Stream", ["Primitives", "RecordFormat", "Events", "JSON", "State"]),
        service("HTTP", ["Primitives", "RecordFormat", "Events", "JSON", heap]),
        service("AccessControl", ["Primitives", "JSON"]),
        service("HTTPFunctions", ["Primitives", "JSON"]),
        service("ConfigurationEntries", ["Primitives", "RecordFormat", "Events", "JSON"]),
        service("Cron", ["Primitives", "RecordFormat", "Events", "JSON", deque]),
        service("Observability", ["Primitives", "Events", "JSON", deque]),
        service("Observe", ["Primitives", "JSON"]),
        // 5
        module(
            "Folding",
            [
                "Primitives", "Events", "RecordFormat", "Queue", "State", "Stream", "Cron", "HTTP",
                "ConfigurationEntries",
            ]
        ),
        // 6
        module(
            "Engine",
            [
                "Primitives", "Events", "JSON", "CommitLog", "Disk", "RecordFormat", "Folding",
                "Queue", "State", "Stream", "HTTP", "HTTPFunctions", "AccessControl", "Cron",
                "Observability", "Observe", "ConfigurationEntries", deque, heap,
            ]
        ),
        module(
            "LogTools",
            [
                "Primitives", "CommitLog", "Disk", "RecordFormat", "Events", "JSON", "Folding",
                "Queue", "State", "Stream", "Cron", "HTTP", "ConfigurationEntries",
                "Observability",
            ]
        ),
        // 7
        module(
            "WorkerGateway",
            [
                "Primitives", "Engine", "NetServer", "WorkerProtocol", "JSON", "Observability",
                "Observe", "AccessControl", nioCore,
            ]
        ),
        module(
            "HTTPGateway",
            ["Primitives", "Engine", "Channels", "NetServer", "HTTP", "JSON", nioCore]
        ),
        module(
            "StreamGateway",
            ["Primitives", "Engine", "NetServer", "Stream", "JSON", nioCore, deque]
        ),
        module(
            "Dashboard",
            [
                "Primitives", "Engine", "NetServer", "Observability", "JSON", "CDashboardApp",
                nioCore,
            ]
        ),
        module(
            "HTTPInvoker",
            [
                "Primitives", "Engine", "HTTPFunctions", nioCore, nioPosix, nioHTTP1, nioSSL,
                "CSodium", deque,
            ]
        ),
        // 8
        module(
            "Server",
            [
                "Primitives", "Engine", "Folding", "LogTools", "WorkerGateway", "HTTPGateway",
                "StreamGateway", "HTTPInvoker", "Dashboard", "Channels", "NetServer", "HTTP",
                "HTTPFunctions", "AccessControl", "CommitLog", "Disk", "RecordFormat", "Events",
                "Observability", "State", "Stream", "Cron", "JSON", "CPlatform",
                "ConfigurationEntries", deque,
                .product(name: "TOMLKit", package: "TOMLKit"),
                .product(name: "Yams", package: "Yams"),
                nioCore, nioPosix, nioSSL,
            ]
        ),
        // 9
        program("iii", ["Server", "IIISDK", "CommandLineKit", "JSON", "Primitives", arguments]),
        program(
            "iii-log",
            ["LogTools", "IIISDK", "CommandLineKit", "JSON", "Primitives", arguments]
        ),

        .systemLibrary(name: "CEpoll", path: "Benchmarks/CEpoll"),
        program(
            "Benchmarks",
            path: "Benchmarks",
            exclude: [
                "WRITER.md", "CEpoll", "Worker", "Peers/fanout.py", "Peers/requirements.txt",
                "Peers/web_app.py", "Peers/web_server.js", "Peers/web_worker.py",
            ],
            [
                "Primitives", "RecordFormat", "Disk", "CommitLog", "Events", "Folding", "LogTools",
                "CLiburing", "CPlatform", "CEpoll",
            ]
        ),

        program("bench-worker", path: "Benchmarks/Worker", ["IIISDK"]),

        program("web-socket-echo", path: "Tests/WebSocketEcho", ["NetServer", nioCore, nioPosix]),

        module("TestKit", path: "Tests/TestKit", []),
        module(
            "SimulationKit",
            path: "Tests/SimulationKit",
            [
                "Engine", "CommitLog", "Disk", "RecordFormat", "Primitives", "Events", "JSON",
                "Folding", "Queue", "State", "Stream", "HTTP", "Cron", "LogTools",
                "ConfigurationEntries",
            ]
        ),
        program(
            "simulate",
            path: "Tests/Simulate",
            ["SimulationKit", "CommitLog", "Primitives"]
        ),

        module(
            "FuzzTargets",
            path: "Tests/Fuzz/Targets",
            [
                "Primitives", "JSON", "RecordFormat", "CommitLog", "Events", "Queue", "State",
                "Stream", "Cron", "HTTP", "HTTPFunctions", "Observability", "Observe", "Folding",
                "LogTools", "ConfigurationEntries",
                "WorkerProtocol", "NetServer", "SimulationKit", nioCore,
            ]
        ),

        tests("PrimitivesTests", ["Primitives"]),
        tests("JSONTests", ["JSON", "Primitives"]),
        tests("RecordFormatTests", ["RecordFormat", "Primitives", "CPlatform"]),
        tests("DiskTests", ["Disk", "Primitives", "CPlatform"]),
        tests(
            "CommitLogTests",
            ["SimulationKit", "CommitLog", "Disk", "RecordFormat", "Primitives"]
        ),
        tests("EventsTests", ["Events", "RecordFormat", "Primitives"]),
        tests("StateTests", ["State", "Primitives", "Events", "JSON", "RecordFormat"]),
        tests("StreamTests", ["Stream", "State", "Primitives", "Events", "JSON", "RecordFormat"]),
        tests("CronTests", ["Cron", "Primitives", "Events", "JSON"]),
        tests(
            "ConfigurationEntriesTests",
            ["ConfigurationEntries", "Primitives", "Events", "JSON", "RecordFormat"]
        ),
        tests("QueueTests", ["Queue", "Primitives", "RecordFormat", "Events", "JSON"]),
        tests("HTTPTests", ["HTTP", "Primitives", "Events", "RecordFormat", "JSON"]),
        tests("AccessControlTests", ["AccessControl", "Primitives", "JSON"]),
        tests("HTTPFunctionsTests", ["HTTPFunctions", "Primitives", "JSON"]),
        tests(
            "HTTPInvokerTests",
            [
                "HTTPInvoker", "HTTPFunctions", "Engine", "Primitives", "JSON", nioCore, nioPosix,
                nioSSL, .product(name: "NIOEmbedded", package: "swift-nio"),
            ]
        ),
        tests("ObservabilityTests", ["Observability", "Primitives", "Events", "JSON"]),
        tests("ObserveTests", ["Observe", "Primitives", "JSON"]),
        tests(
            "EngineTests",
            [
                "Engine", "CommitLog", "Disk", "RecordFormat", "Primitives", "Events", "JSON",
                "Folding", "Queue", "State", "Stream", "HTTP", "HTTPFunctions", "AccessControl",
                "Cron", "Observability", "Observe", "ConfigurationEntries", "LogTools",
            ]
        ),
        tests("WorkerProtocolTests", ["WorkerProtocol", "JSON", "Primitives"]),
        tests(
            "NetServerTests",
            [
                "NetServer", "Channels", "Primitives", "TestKit", nioCore, nioPosix, nioHTTP1,
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ]
        ),
        tests("DashboardTests", ["Dashboard", "Engine", "JSON", "Observability", "Primitives"]),
        tests(
            "ChannelsTests",
            [
                "Channels", "Primitives", nioCore,
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ]
        ),
        tests(
            "HTTPGatewayTests",
            [
                "HTTPGateway", "Channels", "Engine", "Disk", "HTTP", "JSON", "NetServer",
                "Primitives", nioCore, .product(name: "NIOEmbedded", package: "swift-nio"),
            ]
        ),
        tests("StreamGatewayTests", ["StreamGateway", "Engine", "NetServer", "Primitives"]),
        tests(
            "IIISDKTests",
            [
                "IIISDK", "WorkerProtocol", "JSON", "Primitives", "Channels", "NetServer", nioCore,
                nioPosix, nioHTTP1, nioWebSocket,
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ]
        ),
        tests(
            "LogToolsTests",
            [
                "LogTools", "CommitLog", "Disk", "RecordFormat", "Events", "JSON", "Primitives",
                "Folding", "Queue", "State", "Stream", "Observability", "TestKit",
            ]
        ),
        tests("CommandLineKitTests", ["CommandLineKit", arguments]),
        tests(
            "ServerTests",
            [
                "Server", "Dashboard", "Engine", "CommitLog", "Disk", "Events", "HTTP",
                "HTTPFunctions", "AccessControl", "Observability", "NetServer", "JSON",
                "Primitives", "CPlatform",
            ]
        ),
        tests("SimulationTests", ["SimulationKit", "CommitLog", "Primitives"]),
        tests("FuzzTests", ["FuzzTargets"]),
        tests("TidyTests", ["CommandLineKit"]),
        module("LinearizabilityKit", path: "Tests/LinearizabilityKit", []),
        tests("LinearizabilityTests", ["LinearizabilityKit"]),
        .testTarget(
            name: "ProcessTests",
            dependencies: ["TestKit", "LinearizabilityKit"],
            exclude: ["Fixtures", "RULES.md"],
            swiftSettings: settings
        ),
    ]
)

if fuzzes {
    package.targets += [
        .systemLibrary(name: "CFuzzer", path: "Tests/Fuzz/CFuzzer"),
        program("fuzz", path: "Tests/Fuzz/Program", ["FuzzTargets", "CFuzzer"]),
    ]
}
