@testable import Events

/// Of the events of configuration entries.
let configurationGolden: [Golden] = [
    Golden(
        .configuration(
            .registered(
                ConfigurationRegistered(
                    id: "i",
                    name: "n",
                    description: "d",
                    schema: [0x31],
                    metadata: [],
                    value: [0x32]
                )
            )
        ),
        "0169016e016401310001" + "0132"
    ),
    Golden(.configuration(.set(ConfigurationSet(id: "i", value: [0x31]))), "01690131"),
    Golden(
        .configuration(.deleted(ConfigurationDeleted(id: "i", reason: .unused))),
        "016901"
    ),
    Golden(
        .configuration(.fileTaken(ConfigurationFileTaken(id: "i", hash: 2))),
        "0169" + "0200000000000000"
    ),
]
