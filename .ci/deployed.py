"""Prints where the stack that was deployed to MiniStack is, as variables of the tests.

MiniStack 1.5.33 takes the maximum concurrency of an event source mapping for a text when a template
parameter holds it, and then polls no more; it is set again as a number.
"""

import os
from urllib.parse import urlsplit

import boto3

mappings = boto3.client("lambda")
for mapping in mappings.list_event_source_mappings()["EventSourceMappings"]:
    maximum = int(mapping["ScalingConfig"]["MaximumConcurrency"])
    mappings.update_event_source_mapping(
        UUID=mapping["UUID"], ScalingConfig={"MaximumConcurrency": maximum}
    )

stack = boto3.client("cloudformation").describe_stacks(StackName="assetmill-dev")["Stacks"][0]
outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
api = urlsplit(outputs["ApiUrl"]).hostname.split(".")[0]
port = urlsplit(os.environ["AWS_ENDPOINT_URL"]).port
print(f"export ASSETMILL_TEST_URL=http://{api}.execute-api.localhost:{port}")
print(f"export ASSETMILL_TEST_TABLE={outputs['TableName']}")
print(f"export ASSETMILL_TEST_QUEUE_URL={outputs['QueueUrl']}")
print(f"export ASSETMILL_TEST_DEAD_LETTER_QUEUE_URL={outputs['DeadLetterQueueUrl']}")
